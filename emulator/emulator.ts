import type { TaskLogEntry, TaskLogFilter } from './admin/activity-log.ts';
import type { Admin, TimeLimit } from './admin/admin.ts';
import type { AttemptFilter, AttemptRecord, Delivery } from './admin/attempt-log.ts';
import type { FaultInjector } from './admin/fault-injector.ts';
import type { Graveyard } from './admin/graveyard.ts';
import type { Snapshot } from './admin/snapshot.ts';
import type { AppEngineUrl } from './dispatch/app-engine-origin.ts';
import type { EngineSettings } from './engine/engine.ts';
import type { EngineListener } from './engine/events.ts';
import type { Profile, Warning } from './engine/production.ts';
import type { QueueSettings } from './server/declared-queue.ts';

export interface EmulatorOptions {
  /** Where it listens; 127.0.0.1 unless given. Whoever can reach it can use it: there are no credentials. */
  readonly host?: string;
  /** 0, the default, takes any that is free. */
  readonly port?: number;
  /**
   * Under which address those reach it who verify its tokens, if that is not `http://HOST:PORT`: behind a proxy, or from a container. It is the
   * issuer of the tokens. Unless given, `url`.
   */
  readonly publicUrl?: string | undefined;
  /** The project of the queues below; `demo-pageturner` unless given. Queues may be created in any. */
  readonly project?: string;
  /** The location of the queues below; `us-central1` unless given. Queues may be created in any. */
  readonly location?: string;
  /** The queues that exist from the start. */
  readonly queues?: readonly QueueSettings[];
  /**
   * Where App Engine tasks are delivered: one address such as `http://127.0.0.1:8080`, or one by service, `version.service` or
   * `default`. Without it they cannot be, and their attempts fail.
   */
  readonly appEngineUrl?: AppEngineUrl;
  /** Whether an HTTP target's redirect is followed within the attempt. Default no: it counts as a failure, as was recorded. */
  readonly followRedirects?: boolean;
  /**
   * Whether each attempt whose task has no `traceparent` is sent with one, of a new trace, as Cloud Run and its like add one to requests. Default
   * no: Cloud Tasks itself adds none. Not for the profile `strict`.
   */
  readonly traceContext?: boolean;
  /**
   * Where HTTP tasks are delivered in place of where they say: an address by address (`https://my.app` to `http://localhost:8080`), which may
   * have paths, or a host by host (`localhost` to `host.docker.internal`). Tasks, their `Host` header and the audience of their tokens stay
   * as they are.
   */
  readonly rewrite?: Readonly<Record<string, string>>;
  /**
   * `local`, the default, lets through what works on one machine though the service refuses it: tokens over `http://`, queues that
   * are new or whose name was just given up. `strict` refuses all of it, in the service's own words.
   */
  readonly profile?: Profile;
  /** What is not public of the service, or differs between its pages: how long names stay taken, and what slows queues down. */
  readonly settings?: Partial<EngineSettings>;
  /** Told of what would go otherwise in production, once for each kind and queue; nobody unless given. */
  readonly onWarning?: (warning: Warning) => void;
  /**
   * A file that holds queues, tasks, names that are taken, attempts and the signing key, so that all of it outlives the process, however
   * that ends; it is made if it is missing. What was being delivered is delivered again. Without it everything is kept in memory.
   */
  readonly dataFile?: string | undefined;
  /**
   * What is there from the start, and after each `reset()`, in place of `queues` and of what `dataFile` holds: what `snapshot()` gave, of this
   * or another emulator.
   */
  readonly snapshot?: Snapshot | undefined;
  /**
   * Told when tasks cannot be dispatched because the data file cannot be written (its disk is full, say), and when they are again; standard
   * error unless given. Requests that would change something answer UNAVAILABLE meanwhile.
   */
  readonly onDataFileTrouble?: (message: string) => void;
  /**
   * `system`, the default: time passes. `virtual`: time stands until `clock` moves it, and begins at 2026-01-01T00:00:00Z, so that a day
   * passes in an instant and a test repeats itself. Either can be changed later, by `clock.freeze()` and `clock.resume()`.
   */
  readonly clock?: 'system' | 'virtual';
  /** What all chance comes from (task ids, faults): any integer, of which the low 32 bits count. Random unless given. */
  readonly seed?: number;
  /**
   * While the clock is frozen: how long, in ms of real time, a target may take before it counts as one that hangs until its deadline. Default
   * 10,000.
   */
  readonly answerWithinMs?: number;
  /** Told of each defect of the emulator itself; standard error unless given. */
  readonly onDefect?: (error: unknown) => void;
}

/** What can be changed of an emulator that runs. */
export interface Reconfiguration {
  /** In place of `queues`. */
  readonly queues?: readonly QueueSettings[];
  /** In place of `rewrite`. */
  readonly rewrite?: Readonly<Record<string, string>>;
}

/** What a reconfiguration did with queues, by their ids. */
export interface Reconfigured {
  readonly created: readonly string[];
  /** Those whose settings are others than they were given as before. */
  readonly updated: readonly string[];
  /** Those that are not named any more: they stay, with their tasks. */
  readonly left: readonly string[];
}

/** An emulator that answers. */
export interface Emulator extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /**
   * `http://HOST:PORT`: where REST, the tokens' keys and `/healthz` are for clients on this machine. gRPC is at the same host and port. Where it
   * listens at all addresses, `HOST` is that of loopback.
   */
  readonly url: string;
  /** The issuer of the tokens that it attaches: `publicUrl` if it was given, else `url`. */
  readonly issuer: string;
  /** Calls the listener for each event from now on; what is returned ends that. A listener must not throw. */
  observe(listener: EngineListener): () => void;
  /** The seed of its chance: started with it again, it decides the same. */
  readonly seed: number;
  /** Its time, which moves as it is told only while it is frozen: from the start with `clock: 'virtual'`, or since `freeze()`. */
  readonly clock: Pick<Admin, 'now' | 'nextDueAt' | 'isFrozen' | 'freeze' | 'advance' | 'runNext' | 'resume'>;
  /** What is to go wrong. */
  readonly faults: Pick<FaultInjector, 'add' | 'remove' | 'clear' | 'list'>;
  /** The tasks that ran out of attempts. */
  readonly graveyard: Pick<Graveyard, 'list' | 'requeue'>;
  /**
   * What the service would have written to Cloud Logging of the tasks of queues that have a `stackdriverLoggingConfig`: the newest 10,000
   * entries, oldest first.
   */
  taskLogs(filter?: TaskLogFilter): readonly TaskLogEntry[];
  /** The newest 10,000 attempts that fit the filter, those out and those of tasks that are gone among them, in the order of their start. */
  attempts(filter?: AttemptFilter): readonly AttemptRecord[];
  /** The requests that targets got, with what came of them, in the order of their end. */
  deliveries(filter?: AttemptFilter): readonly Delivery[];
  /**
   * Resolves to `deliveries(filter)` once they are `count` or more. Waits up to 4 s unless told otherwise; runs a virtual clock on.
   *
   * @throws ApiError DEADLINE_EXCEEDED that tells what came instead
   */
  waitForDeliveries(filter: AttemptFilter, count: number, limit?: TimeLimit): Promise<readonly Delivery[]>;
  /**
   * Resolves when no queue holds a task and no attempt is out. Waits without end unless told otherwise; runs a virtual clock on.
   *
   * @throws ApiError DEADLINE_EXCEEDED that tells what is left
   */
  idle(limit?: TimeLimit): Promise<void>;
  /**
   * Resolves when no attempt is out and none may start: what is left waits for its time or a retry, or in a queue that is paused or pulled from. It never
   * moves a virtual clock.
   */
  settled(limit?: TimeLimit): Promise<void>;
  /**
   * Begins again: the queues of the start as they were given, and no other queue, task, name, fault or history. Attempts that are out are
   * cut off; a virtual clock goes back to its start, and chance repeats.
   */
  reset(): Promise<void>;
  /**
   * Everything that is there in this moment, as JSON: queues with their state, tasks with their attempts, names that are taken, IAM, CMEK,
   * time and chance. Not in it: the key that signs tokens, fault rules, and what only tells of the past.
   *
   * @throws ApiError FAILED_PRECONDITION where it would be longer than 128 MiB
   */
  snapshot(): Snapshot;
  /**
   * Puts a snapshot in the place of all that is there, also in the data file, in one step; history, graveyard and logs are empty then. Attempts
   * that are out are cut off, and those that were out when it was taken start again. A clock that stands now, or stood when it was taken,
   * stands at the time of the snapshot. Resolves when no attempt of before is out.
   *
   * @throws ApiError INVALID_ARGUMENT for what is none, is damaged or is of another version: nothing is changed then
   */
  restore(snapshot: Snapshot): Promise<void>;
  /**
   * Takes other queues and rewrites than it was started with; all of them or, where one is refused, none. Queues that are given as before are not
   * touched, whatever has been done to them since. From then on `reset()` goes back to these.
   *
   * @throws ApiError INVALID_ARGUMENT for what the service would refuse, and FAILED_PRECONDITION for a queue that would have to change its type
   */
  reconfigure(changes: Reconfiguration): Reconfigured;
  /** The queues of its location as YAML that `emulator --queues FILE` takes: all but IAM policies. */
  exportQueues(): string;
  /** The tasks of all queues, or of one (id or full name), as the API's JSON, with bodies in base64, one a line. */
  exportTasks(filter?: { readonly queue?: string | undefined }): string;
  /** Stops: takes no more requests and cuts off the attempts that are out. Closing twice is the same as once. */
  close(): Promise<void>;
}

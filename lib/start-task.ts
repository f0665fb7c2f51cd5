import { randomUUID } from 'node:crypto';
import type { DocumentData } from '@google-cloud/firestore';
import type { z } from 'zod';
import type { ChildOptions } from './core/context.ts';
import { faultOfTask } from './core/check-definition.ts';
import { childKeys } from './core/child-options.ts';
import { mostShards, type AnyTask, type IterativeTask, type OneShotTask } from './core/definition.ts';
import { PageturnerError } from './core/errors.ts';
import { faultOfBooleans, faultOfKeys } from './core/known-keys.ts';
import { derivedRunId, derivedTaskId } from './core/names.ts';
import { toWire } from './core/parameters.ts';
import { faultOfQueue } from './core/queue-name.ts';
import { faultOfRepeating, type Repeating } from './core/repeating.ts';
import { startAt } from './core/schedule.ts';
import { faultOfRate } from './core/throttle.ts';
import { drain } from './drain.ts';
import type { Ports } from './ports.ts';
import { defaultRuntime } from './runtime.ts';
import { startRun } from './start-run.ts';
import { inSpan } from './telemetry/spans.ts';

export interface StartOptions extends ChildOptions {
  /**
   * Makes the start idempotent: a second start of the same task with the same key gives the first one's run (for an iterative task,
   * for as long as the run's document exists; with other parameters it is refused) or is dropped (for a one-shot task, for as long as
   * the queue remembers names, and whatever its parameters are).
   */
  readonly idempotencyKey?: string;
  /**
   * One at a time: while a run of this task that was started with the same key has not ended, the start is refused. 1 to 500
   * characters; for iterative tasks.
   */
  readonly key?: string;
  /** Into how many key ranges the run is parted, 1 to 100; as the task says unless given. */
  readonly shards?: number;
  /** Whether another run follows when it has completed, and after how many seconds; as the task says unless given. For iterative tasks. */
  readonly repeat?: Repeating | false;
  /**
   * Whether the handlers run and nothing that they ask for through `ctx` is done: no write, no task but the run's own. The run says
   * what they asked for; see `RunSummary.report`. It holds no `key` and waits for none, and no run follows it. For iterative tasks; false
   * unless given.
   */
  readonly dryRun?: boolean;
  /**
   * Documents that all shards of the run together take in a second, at most: 0.1 to 1,000,000, or null for no limit; as the task says
   * unless given. For iterative tasks.
   */
  readonly documentsPerSecond?: number | null;
}

export interface StartedRun {
  readonly runId: string;
  /**
   * A start with this `idempotencyKey` came before, and this is its run; it may have been this very start, if its answer was lost. Absent
   * otherwise.
   */
  readonly existed?: true;
}

export interface StartedTask {
  /** The task's id in its queue. */
  readonly taskId: string;
  /** A start with this `idempotencyKey` came before; it may have been this very one, if its answer was lost. Absent otherwise. */
  readonly existed?: true;
}

/**
 * Starts a task from code of your own. (Within a handler use `ctx.start`, which takes effect together with the handler's work.)
 * When it resolves, the start is durable.
 *
 * @throws PageturnerError `invalid-parameters`, `misconfigured` (where the queue does not exist or refuses the task for good, the run
 *   has failed), `invalid-state` when a run that has not ended holds the key or the idempotency key had other parameters; and what the
 *   database or the queue throws: start again then, with an `idempotencyKey` if it must not start twice.
 *
 * @example
 * const { runId } = await startTask(emailStudents, { program: 'gsoc2026' });
 */
export async function startTask<S extends z.ZodType, D extends DocumentData>(
  task: IterativeTask<S, D>,
  params: z.input<S>,
  options?: StartOptions,
): Promise<StartedRun>;
export async function startTask<S extends z.ZodType>(
  task: OneShotTask<S>,
  params: z.input<S>,
  options?: StartOptions,
): Promise<StartedTask>;
export async function startTask<S extends z.ZodType>(
  task: AnyTask<S>,
  params: z.input<S>,
  options: StartOptions = {},
): Promise<StartedRun | StartedTask> {
  return await startOn(defaultRuntime().ports, task, params, { ...options, startedBy: 'code' });
}

/** Starts a task in a span, so that its first delivery links to whoever started it. */
export async function startOn<S extends z.ZodType>(
  ports: Ports,
  task: AnyTask<S>,
  params: z.input<S>,
  options: StartOptions & { readonly startedBy: string },
): Promise<StartedRun | StartedTask> {
  const fault = faultOfTask(task);
  if (fault !== undefined) throw new PageturnerError('invalid-parameters', `${fault}.`);
  return await inSpan(`start ${task.name}`, { attributes: { 'pageturner.task': task.name } }, () =>
    startUnseen(ports, task, params, options),
  );
}

async function startUnseen<S extends z.ZodType>(
  ports: Ports,
  task: AnyTask<S>,
  params: z.input<S>,
  { startedBy, ...options }: StartOptions & { readonly startedBy: string },
): Promise<StartedRun | StartedTask> {
  mustBeGood(task, options);
  const wire = toWire(task.name, task.params, params);
  const { queue = task.queue, idempotencyKey = randomUUID() } = options;
  const at = startAt(options, ports.clock.now());
  const schedule = at === undefined ? {} : { at };
  const { dryRun = false } = options;
  if (task.kind === 'iterative') {
    // A dry run is never taken for the real one that was started with the same key.
    const runId = derivedRunId(task.name, idempotencyKey, ...(dryRun ? ['dry-run'] : []));
    const { key, shards = task.shards, repeat, documentsPerSecond } = options;
    const rate = documentsPerSecond === undefined ? {} : { documentsPerSecond };
    const own = {
      shards,
      ...rate,
      ...(key === undefined ? {} : { key }),
      ...(repeat === undefined ? {} : { repeat }),
    };
    const only = dryRun ? { shards, ...rate, isDryRun: true as const } : own;
    const start = { run: runId, queue, params: wire, startedBy, ...only, ...schedule };
    const started = await startRun(task, start, ports);
    return { runId, ...existed(started, options) };
  }
  if (dryRun)
    throw new PageturnerError(
      'invalid-parameters',
      `"${task.name}" is a one-shot task, which acts by itself: only iterative tasks have dry runs.`,
    );
  const taskId = derivedTaskId(task.name, idempotencyKey);
  const delivery = { kind: 'task' as const, id: taskId, params: wire, repeat: 0 };
  const { name: worker, timeoutSeconds } = task;
  const enqueued = { id: taskId, queue, worker, delivery, timeoutSeconds, ...schedule };
  return { taskId, ...existed(await drain([enqueued], ports.queue), options) };
}

/** Without a key of the caller's it can only have been this start: a call that was repeated because its answer was lost. */
function existed(
  outcome: 'started' | 'created' | 'exists' | undefined,
  { idempotencyKey }: StartOptions,
): { readonly existed?: true } {
  return outcome === 'exists' && idempotencyKey !== undefined ? { existed: true } : {};
}

function mustBeGood(task: AnyTask, options: StartOptions): void {
  const fault = faultOf(task, options);
  if (fault !== undefined) throw new PageturnerError('invalid-parameters', fault);
}

/** What somebody without a compiler may miss: a slip in `dryRun` would start a real run. */
const known = {
  ...childKeys,
  key: true,
  shards: true,
  repeat: true,
  documentsPerSecond: true,
  dryRun: true,
  idempotencyKey: true,
} satisfies Record<keyof StartOptions, true>;

function faultOf({ kind, name, queue: own }: AnyTask, options: StartOptions): string | undefined {
  const { key, shards = 1, repeat = false, idempotencyKey = 'one', documentsPerSecond = null } = options;
  const { queue = own } = options;
  const slip = faultOfKeys(options, known) ?? faultOfBooleans(options, ['dryRun']);
  if (slip !== undefined) return `The options have ${slip}.`;
  if (kind === 'task') {
    const ofRuns = (['key', 'shards', 'repeat', 'documentsPerSecond'] as const).find(
      (option) => options[option] !== undefined,
    );
    if (ofRuns !== undefined)
      return `${ofRuns} is for runs of iterative tasks, and "${name}" is a one-shot task; leave it out.`;
  }
  if (!Number.isInteger(shards) || shards < 1 || shards > mostShards)
    return `shards is ${shards}; give a whole number from 1 to ${mostShards}.`;
  if (key !== undefined && !isKey(key)) return 'key is not a text of 1 to 500 characters.';
  if (!isKey(idempotencyKey)) return 'The idempotency key is not a text of 1 to 500 characters.';
  const fault = faultOfQueue(queue) ?? faultOfRate(documentsPerSecond);
  if (fault !== undefined) return `${fault}.`;
  return repeat === false ? undefined : faultOfRepeating(repeat);
}

function isKey(key: unknown): boolean {
  return typeof key === 'string' && key.length >= 1 && key.length <= 500;
}

import { Firestore } from '@google-cloud/firestore';
import { createTasksClient } from './cloud-tasks/client.ts';
import { CloudTasksQueue } from './cloud-tasks/task-queue.ts';
import { FirestoreRunStore } from './firestore/run-store.ts';
import { createTokenVerifier, type TokenVerifier } from './http/verify-token.ts';
import { jsonLog } from './json-log.ts';
import { KnownRuns } from './known-runs.ts';
import type { Ports, RetryLookup, RunStore } from './ports.ts';
import { projectOf, readSettings, type Settings } from './settings.ts';
import { systemClock } from './system-clock.ts';

/** The ports on their real adapters, and what the HTTP handlers need besides. */
export interface Runtime {
  readonly settings: Settings;
  readonly ports: Ports;
  readonly retries: RetryLookup;
  readonly verifyToken: TokenVerifier;
}

export function createRuntime(environment: Readonly<Record<string, string | undefined>>): Runtime {
  const settings = readSettings(environment);
  const queue = new CloudTasksQueue(createTasksClient(settings.tasksEmulatorHost), settings);
  return {
    settings,
    ports: {
      store: createStore(settings.project),
      queue,
      clock: systemClock,
      log: jsonLog,
      knownRuns: new KnownRuns(),
    },
    retries: queue,
    verifyToken: createTokenVerifier(settings.issuer),
  };
}

/** An emulator of Firestore is named by FIRESTORE_EMULATOR_HOST, which the client reads itself. */
function createStore(project: string | undefined): RunStore {
  return new FirestoreRunStore(new Firestore(project === undefined ? {} : { projectId: project }));
}

let shared: Runtime | undefined;
let sharedStore: RunStore | undefined;

/** The process's own store, for those who only look: it needs a project and nothing else. */
export function defaultStore(): RunStore {
  sharedStore ??= createStore(projectOf(process.env));
  return sharedStore;
}

/**
 * The process's own runtime, made at first use: declaring tasks and handlers needs no environment.
 *
 * @throws PageturnerError `misconfigured`.
 */
export function defaultRuntime(): Runtime {
  shared ??= createRuntime(process.env);
  return shared;
}

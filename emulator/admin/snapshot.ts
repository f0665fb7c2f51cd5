import { ApiError } from '../core/errors.ts';
import { invalidArgument } from '../core/faults.ts';
import { jsonBytesOf } from '../core/json-bytes.ts';
import type { Queue, Target, Task } from '../core/model.ts';
import { checkLocationName, parseQueueName, parseTaskName } from '../core/names.ts';
import type { EngineState } from '../engine/engine.ts';
import { snapshotSchema } from './snapshot-schema.ts';

const FORMAT = 'pageturner-emulator-snapshot';
const VERSION = 1;

/** The longest that is made and read: what is larger is better kept in a data file, which can be copied. */
export const MAX_SNAPSHOT_BYTES: number = 128 * 1024 * 1024;

interface HeldName {
  readonly name: string;
  readonly freeAt: number;
}

/** A task as JSON can hold it. */
export type SnapshotTask = Omit<Task, 'target'> & {
  readonly target: Omit<Target, 'body'> & {
    /** Base64. */
    readonly body: string;
  };
};

/**
 * Everything that an emulator holds, as JSON: it can be kept in a file and be given to another one. Instants are ms since 1970. Keys that sign
 * tokens are not in it, nor is what only tells of the past: history, graveyard, logs and counts.
 */
export interface Snapshot {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  /** `now` is when it was taken, by the emulator's own time. */
  readonly clock: { readonly state: 'frozen' | 'running'; readonly now: number };
  /** What the next generated task id is made from. */
  readonly chance: number;
  readonly queues: readonly Queue[];
  /** In the order of creation. Those that were being delivered stand here with that attempt counted, and are delivered again. */
  readonly tasks: readonly SnapshotTask[];
  readonly heldQueueNames: readonly HeldName[];
  readonly heldTaskNames: readonly HeldName[];
  /** When the tokens of a queue are all there again, by its name; of those that lacked some. */
  readonly tokensFullAt: Readonly<Record<string, number>>;
  readonly kmsKeys: Readonly<Record<string, string>>;
}

/** What a snapshot says. */
export interface SnapshotContents {
  readonly state: EngineState;
  readonly isFrozen: boolean;
  readonly chance: number;
}

/** @throws ApiError FAILED_PRECONDITION where it would be longer than what is read again */
export function takeSnapshot({ state, isFrozen, chance }: SnapshotContents): Snapshot {
  const { now, tasks, ...rest } = state;
  const bytes = bytesOf(state);
  if (bytes > MAX_SNAPSHOT_BYTES) {
    throw new ApiError(
      'FAILED_PRECONDITION',
      `The snapshot would have some ${Math.round(bytes / 2 ** 20)} MiB; at most ${MAX_SNAPSHOT_BYTES / 2 ** 20} MiB are read again. ` +
        'Keep what is there in a data file (`--data FILE`), stop the emulator and copy that.',
    );
  }
  return {
    format: FORMAT,
    version: VERSION,
    clock: { state: isFrozen ? 'frozen' : 'running', now },
    chance,
    ...rest,
    tasks: tasks.map(({ target, ...task }) => ({
      ...task,
      target: { ...target, body: Buffer.from(target.body).toString('base64') },
    })),
  };
}

/** What a snapshot takes, and a little more: what is made can be read again. */
function bytesOf({ tasks, heldTaskNames }: EngineState): number {
  const taskBytes = tasks.reduce((sum, task) => sum + jsonBytesOf(task) + 1, 0);
  return heldTaskNames.reduce((sum, { name }) => sum + name.length + HELD_NAME_BYTES, taskBytes);
}

/** What stands around a name that is held, with the instant from which it is free. */
const HELD_NAME_BYTES = 60;

/** @throws ApiError INVALID_ARGUMENT that says why it is no snapshot, or which part of it is damaged */
export function readSnapshot(value: unknown): SnapshotContents {
  checkFormat(value);
  const read = snapshotSchema.safeParse(value);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw damaged((issue?.path ?? []).map(String).join('.'), issue?.message ?? '');
  }
  const snapshot = read.data as Snapshot;
  checkNames(snapshot);
  const { clock, chance, tasks, queues, heldQueueNames, heldTaskNames, tokensFullAt, kmsKeys } = snapshot;
  return {
    isFrozen: clock.state === 'frozen',
    chance,
    state: {
      now: clock.now,
      queues,
      tasks: tasks.map(({ target, ...task }) => ({
        ...task,
        target: { ...target, body: new Uint8Array(Buffer.from(target.body, 'base64')) } as Target,
      })),
      heldQueueNames,
      heldTaskNames,
      tokensFullAt,
      kmsKeys,
    },
  };
}

function checkFormat(value: unknown): void {
  const { format, version } = (value ?? {}) as { format?: unknown; version?: unknown };
  if (format !== FORMAT) {
    throw invalidArgument(
      `This is no snapshot of an emulator: its "format" is ${shown(format)}, not "${FORMAT}".`,
    );
  }
  if (version !== VERSION) {
    throw invalidArgument(
      `The snapshot is of version ${shown(version)}, and this emulator reads version ${VERSION}. Use the emulator that took it.`,
    );
  }
}

/** Whether all names are well formed, stand there once, and belong to what is there. */
function checkNames({ queues, tasks, heldQueueNames, heldTaskNames, ...rest }: Snapshot): void {
  const known = new Set<string>();
  const seen = new Set<string>();
  queues.forEach(({ name }, index) => {
    const place = `queues.${index}.name`;
    wellFormed(place, () => checkLocationName(parseQueueName(name).location));
    if (known.has(name)) throw damaged(place, `"${name}" is there twice.`);
    known.add(name);
  });
  const checkTask = (name: string, place: string): void => {
    const { queue } = wellFormed(place, () => parseTaskName(name));
    if (!known.has(queue)) throw damaged(place, `There is no queue ${queue}.`);
    if (seen.has(name)) throw damaged(place, `"${name}" is there twice.`);
    seen.add(name);
  };
  tasks.forEach(({ name }, index) => checkTask(name, `tasks.${index}.name`));
  heldTaskNames.forEach(({ name }, index) => checkTask(name, `heldTaskNames.${index}.name`));
  heldQueueNames.forEach(({ name }, index) => {
    const place = `heldQueueNames.${index}.name`;
    wellFormed(place, () => parseQueueName(name));
    if (known.has(name)) throw damaged(place, `There is a queue "${name}".`);
  });
  for (const name of Object.keys(rest.tokensFullAt)) {
    if (!known.has(name)) throw damaged(`tokensFullAt.${name}`, 'There is no such queue.');
  }
}

function wellFormed<T>(place: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw damaged(place, (cause as Error).message);
  }
}

function damaged(place: string, problem: string): ApiError {
  return invalidArgument(`The snapshot is damaged: ${place}: ${problem} Nothing was changed.`);
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 50) ?? 'missing';
}

import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { errorRows } from './errors.ts';
import { callOverRest, withoutTimes } from './over-rest.ts';
import { BUSY, LOCATION, type ErrorRow, type Mark } from './row.ts';

/** An answer of the service, with the names of the table in place of those that were used. */
export interface Answer {
  /** `OK` where the call was not refused. */
  readonly code: string;
  readonly message: string;
  readonly details: readonly unknown[];
}

export interface RecordedRow {
  readonly rpc: string;
  readonly condition: string;
  readonly profile: 'local' | 'strict';
  readonly mark: Mark;
  readonly recorded: Answer;
  /** What the emulator answers. */
  readonly expected: Answer;
  readonly isSame: boolean;
}

export interface SkippedRow {
  readonly rpc: string;
  readonly condition: string;
  readonly reason: string;
}

export interface Recording {
  readonly recordedAt: string;
  readonly endpoint: string;
  readonly rows: readonly RecordedRow[];
  readonly skipped: readonly SkippedRow[];
}

export interface Plan {
  /** Of the queues that are made, and that rows ask for. */
  readonly prefix: string;
  readonly location: string;
  readonly rows: readonly ErrorRow[];
  readonly skipped: readonly SkippedRow[];
}

export interface RecordOptions extends Plan {
  /** Such as `https://cloudtasks.googleapis.com`. */
  readonly endpoint: string;
  /** Of every request: the token. */
  readonly headers: Readonly<Record<string, string>>;
  /** Waits until queues that were just made are known everywhere. */
  readonly settle: () => Promise<unknown>;
  readonly now: () => number;
}

/** Which rows a recording has, and under which names. Nothing is asked yet. */
export function planRecording(project: string, location: string): Plan {
  const reasons = errorRows.map((row) => [row, reasonToSkip(row)] as const);
  return {
    prefix: `pageturner-record-${randomBytes(3).toString('hex')}-`,
    location: `projects/${project}/locations/${location}`,
    rows: reasons.filter(([, reason]) => reason === undefined).map(([row]) => row),
    skipped: reasons.flatMap(([{ rpc, condition }, reason]) =>
      reason === undefined ? [] : [{ rpc, condition, reason }],
    ),
  };
}

function reasonToSkip({ rpc, only, request, within }: ErrorRow): string | undefined {
  if (only === 'gRPC') return 'it is about gRPC, and the recorder speaks REST';
  if (within !== undefined) return 'its error comes later, in an operation';
  if (rpc.endsWith('UploadQueueYaml')) return 'it would disable the other queues of the project';
  if (rpc.endsWith('UpdateCmekConfig')) return 'it is about the keys of the whole location';
  if (JSON.stringify(request).includes(BUSY)) return 'a quota would have to be used up';
  return undefined;
}

/**
 * Makes the state that the rows are about in queues of its own, makes the calls of the rows, and deletes its queues, whatever came of it.
 * Its queue is paused, so that nothing is ever dispatched.
 *
 * @throws Error where the state cannot be made
 */
export async function record(options: RecordOptions): Promise<Recording> {
  const { rows, skipped, endpoint } = options;
  const service = new Service(options);
  try {
    await service.prepare();
    const recorded: RecordedRow[] = [];
    for (const row of rows) recorded.push(await service.record(row));
    return { recordedAt: new Date(options.now()).toISOString(), endpoint, rows: recorded, skipped };
  } finally {
    await service.cleanUp();
  }
}

class Service {
  readonly #options: RecordOptions;
  readonly #queue: string;

  constructor(options: RecordOptions) {
    this.#options = options;
    this.#queue = this.#ours(`${LOCATION}/queues/q`);
  }

  async prepare(): Promise<void> {
    const parent = this.#options.location;
    const [queue, gone] = [this.#queue, this.#ours(`${LOCATION}/queues/gone`)];
    for (const name of [queue, gone]) await this.#must('CreateQueue', { parent, queue: { name } });
    await this.#must('PauseQueue', { name: queue });
    await this.#options.settle();
    const scheduleTime = { seconds: Math.floor(this.#options.now() / 1000) + 3600 };
    for (const id of ['t', 'gone']) {
      const task = { name: `${queue}/tasks/${id}`, scheduleTime, httpRequest: { url: 'https://a.example/' } };
      await this.#must('CreateTask', { parent: queue, task });
    }
    await this.#must('DeleteTask', { name: `${queue}/tasks/gone` });
    await this.#must('DeleteQueue', { name: gone });
    await this.#must('CreateQueue', {
      parent,
      queue: { name: this.#ours(`${LOCATION}/queues/just-made`) },
    });
  }

  async record(row: ErrorRow): Promise<RecordedRow> {
    const { rpc, condition, profile = 'local', mark, code, message } = row;
    const request = withTexts(row.request, (text) => this.#ours(text)) as object;
    const { isOk, body } = await callOverRest(
      { rpc, request },
      this.#options.endpoint,
      this.#options.headers,
    );
    const error = isOk ? {} : (body['error'] as { status?: string; message?: string; details?: unknown[] });
    const told = message.includes('<TIME>') ? withoutTimes(error.message ?? '') : (error.message ?? '');
    const answer: Answer = { code: error.status ?? 'OK', message: told, details: error.details ?? [] };
    const recorded = withTexts(answer, (text) => this.#theirs(text)) as Answer;
    const details = (row.details ?? []).map(({ type, value }) => ({
      '@type': `type.googleapis.com/${type}`,
      ...value,
    }));
    const expected = { code, message, details };
    return {
      rpc,
      condition,
      profile,
      mark,
      recorded,
      expected,
      isSame: isDeepStrictEqual(recorded, expected),
    };
  }

  /** Deletes the queues of the prefix, those included that a row was expected not to make. */
  async cleanUp(): Promise<void> {
    try {
      await this.#deleteQueues();
    } catch (cause) {
      const { prefix, location } = this.#options;
      const text = `Queues of ${location} whose ids begin with ${prefix} may be left: ${(cause as Error).message}.`;
      throw new Error(text, { cause });
    }
  }

  async #deleteQueues(): Promise<void> {
    const { body } = await this.#call('ListQueues', { parent: this.#options.location, pageSize: 1000 });
    const queues = (body['queues'] as { name: string }[] | undefined) ?? [];
    const start = `${this.#options.location}/queues/${this.#options.prefix}`;
    for (const { name } of queues) if (name.startsWith(start)) await this.#call('DeleteQueue', { name });
  }

  async #call(rpc: string, request: object): ReturnType<typeof callOverRest> {
    return await callOverRest({ rpc, request }, this.#options.endpoint, this.#options.headers);
  }

  async #must(rpc: string, request: object): Promise<void> {
    const { isOk, body } = await this.#call(rpc, request);
    if (isOk) return;
    const { message = '' } = (body['error'] ?? {}) as { message?: string };
    throw new Error(`${rpc} is refused: ${message}`);
  }

  /** A text of the table with the names that are really used. Every queue gets the prefix, so that nobody else's is ever named. */
  #ours(text: string): string {
    const { prefix, location } = this.#options;
    const [, project = '', , place = ''] = location.split('/');
    return text
      .replaceAll(/(projects\/p\/locations\/[\w-]+\/queues\/)([A-Za-z0-9-]+)(?![\w %])/g, `$1${prefix}$2`)
      .replaceAll('projects/p/locations/us-central1', `projects/${project}/locations/${place}`)
      .replaceAll(/projects\/p(?=\/|$)/g, `projects/${project}`);
  }

  #theirs(text: string): string {
    const { prefix, location } = this.#options;
    const [, project = ''] = location.split('/');
    if (text === project) return 'p';
    return text
      .replaceAll(prefix, '')
      .replaceAll(location, LOCATION)
      .replaceAll(`projects/${project}/`, 'projects/p/')
      .replaceAll(
        new RegExp(`(projects/|resource project )${project.replaceAll('.', String.raw`\.`)}(?=[.]?$)`, 'g'),
        '$1p',
      );
  }
}

/** The value with each of its texts as `change` makes it. */
function withTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => withTexts(item, change));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withTexts(item, change)]));
}

import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { CliError } from '../error.ts';
import { errorRows } from './errors.ts';
import { callOverRest, withoutTimes, type RestAnswer } from './over-rest.ts';
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
  /** Gives the recording up; its queues are deleted nevertheless. */
  readonly signal: AbortSignal;
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
 * Queues that get tasks are paused, so that nothing is ever dispatched.
 *
 * @throws Error where the state cannot be made; CliError `failed` that names queues that are left; `signal.reason` when it is aborted
 */
export async function record(options: RecordOptions): Promise<Recording> {
  const { skipped, endpoint, signal } = options;
  const service = new Service(options);
  const [outcome] = await Promise.allSettled([recordRows(service, options)]);
  const left = await service.cleanUp();
  const failure =
    outcome.status === 'fulfilled' ? undefined : signal.aborted ? signal.reason : outcome.reason;
  if (left.length > 0) throw leftBehind(left, options.location, failure);
  if (outcome.status === 'rejected') throw failure;
  return { recordedAt: new Date(options.now()).toISOString(), endpoint, rows: outcome.value, skipped };
}

async function recordRows(service: Service, { rows, signal }: RecordOptions): Promise<RecordedRow[]> {
  await service.prepare();
  const recorded: RecordedRow[] = [];
  for (const row of rows) {
    signal.throwIfAborted();
    recorded.push(await service.record(row));
  }
  return recorded;
}

/** A queue that was made, or may have been, and could not be deleted. */
interface Left {
  readonly name: string;
  readonly reason: string;
}

function leftBehind(left: readonly Left[], location: string, cause: unknown): CliError {
  const ids = left.map(({ name }) => name.slice(name.lastIndexOf('/') + 1));
  const [, project = '', , place = ''] = location.split('/');
  const before = cause === undefined ? '' : `${(cause as Error).message.replace(/\.?$/, '.')} `;
  const commands = ids.map(
    (id) => `\`gcloud tasks queues delete ${id} --project ${project} --location ${place}\``,
  );
  return new CliError(
    'failed',
    `${before}Queues are left in ${location}, or may be: ${ids.join(', ')} (${left[0]?.reason}).`,
    `Delete them with ${commands.join(', ')}.`,
    { cause },
  );
}

class Service {
  readonly #options: RecordOptions;
  readonly #queue: string;
  /** Full names of the queues that were made, or may have been. */
  readonly #made = new Set<string>();

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
    const justMade = this.#ours(`${LOCATION}/queues/just-made`);
    await this.#must('CreateQueue', { parent, queue: { name: justMade } });
    // Should the service take its task, against what the table expects, that stays where it is.
    await this.#must('PauseQueue', { name: justMade });
  }

  async record(row: ErrorRow): Promise<RecordedRow> {
    const { rpc, condition, profile = 'local', mark, code, message } = row;
    const request = withTexts(row.request, (text) => this.#ours(text)) as object;
    const { isOk, body } = await this.#call(rpc, request);
    const error = isOk ? {} : errorOf(body);
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

  /** Deletes all that may have been made, those included that a row was expected not to make, and gives what is left. */
  async cleanUp(): Promise<Left[]> {
    const left: Left[] = [];
    for (const name of this.#made) {
      const reason = await this.#reasonToStay(name);
      if (reason !== undefined) left.push({ name, reason });
    }
    return left;
  }

  async #reasonToStay(name: string): Promise<string | undefined> {
    try {
      const { isOk, body } = await this.#call('DeleteQueue', { name });
      const { status, message = '' } = isOk ? {} : errorOf(body);
      return isOk || status === 'NOT_FOUND' ? undefined : message;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async #call(rpc: string, request: object): ReturnType<typeof callOverRest> {
    const name = (request as { queue?: { name?: string } }).queue?.name;
    // Noted first, as an answer may get lost on its way.
    const isNew = name !== undefined && !this.#made.has(name);
    if (isNew) this.#made.add(name);
    const answer = await callOverRest({ rpc, request }, this.#options.endpoint, this.#options.headers);
    const { code = 200 } = answer.isOk ? {} : errorOf(answer.body);
    if (isNew && code >= 400 && code < 500) this.#made.delete(name);
    return answer;
  }

  async #must(rpc: string, request: object): Promise<void> {
    this.#options.signal.throwIfAborted();
    const { isOk, body } = await this.#call(rpc, request);
    if (!isOk) throw new Error(`${rpc} is refused: ${errorOf(body).message ?? ''}`);
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

interface RestError {
  /** As HTTP has it. */
  readonly code?: number;
  readonly status?: string;
  readonly message?: string;
  readonly details?: readonly unknown[];
}

function errorOf(body: RestAnswer['body']): RestError {
  return body['error'] ?? {};
}

/** The value with each of its texts as `change` makes it. */
function withTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => withTexts(item, change));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withTexts(item, change)]));
}

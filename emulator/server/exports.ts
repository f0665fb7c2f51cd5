import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { ApiError } from '../core/errors.ts';
import { jsonBytesOf } from '../core/json-bytes.ts';
import type { Task } from '../core/model.ts';
import type { Engine } from '../engine/engine.ts';
import { settingsOf } from './declared-queue.ts';
import type { HttpHandler, HttpReply } from './http.ts';
import { messageToJson } from './json-encode.ts';
import { taskToProto } from './messages/task.ts';
import { taskV2Beta3Type, taskV2Type } from './schema.ts';
import type { Plain } from './schema.ts';

const fromHere = createRequire(import.meta.url);

/** What an emulator holds in forms that other tools read. */
export class Exports {
  readonly #engine: Engine;
  readonly #location: string;

  /** @param location the emulator's own, `projects/P/locations/L` */
  constructor(engine: Engine, location: string) {
    this.#engine = engine;
    this.#location = location;
  }

  /** The queues of a location, as YAML. */
  queues(location: string = this.#location): string {
    const found = this.#engine.queues.all().filter(({ name }) => name.startsWith(`${location}/queues/`));
    // Loaded when it is first wanted: it would cost every start 40 ms.
    const yaml = fromHere('yaml') as typeof Yaml;
    return yaml.stringify({ queues: found.map(settingsOf) }, { lineWidth: 0 });
  }

  /**
   * The tasks of all queues, or of one by its id or full name, as JSON, one a line.
   *
   * @throws ApiError NOT_FOUND for a queue that is missing, FAILED_PRECONDITION where it would be too long
   */
  tasks({ queue }: { readonly queue?: string | undefined } = {}): string {
    const wanted = queue === undefined || queue.includes('/') ? queue : `${this.#location}/queues/${queue}`;
    if (wanted !== undefined) this.#engine.queues.get(wanted);
    const tasks = this.#engine.queues
      .all()
      .filter(({ name }) => wanted === undefined || name === wanted)
      .flatMap(({ name }) => this.#engine.tasks.all(name));
    checkSize(tasks);
    return tasks.map(lineOf).join('');
  }

  readonly http: HttpHandler = ({ method, path, query }) => {
    if (method !== 'GET') return undefined;
    if (path === '/emulator/v1/queues:export') {
      return reply('application/yaml', this.queues(query.get('location') ?? undefined));
    }
    if (path !== '/emulator/v1/tasks:export') return undefined;
    return reply('application/x-ndjson', this.tasks({ queue: query.get('queue') ?? undefined }));
  };
}

/** So long an export may be, about: twice as much is more than one text can hold. */
const MAX_EXPORT_BYTES = 256 * 1024 * 1024;
/** What the API's JSON may have beyond the model's. */
const MORE_BYTES = 300;

function checkSize(tasks: readonly Task[]): void {
  const bytes = tasks.reduce((sum, task) => sum + jsonBytesOf(task) + MORE_BYTES, 0);
  if (bytes <= MAX_EXPORT_BYTES) return;
  throw new ApiError(
    'FAILED_PRECONDITION',
    `These ${tasks.length} tasks would take up to ${Math.round(bytes / 2 ** 20)} MiB; at most ${MAX_EXPORT_BYTES / 2 ** 20} MiB are exported at once. ` +
      'Name one queue at a time, or list the tasks over the API, page by page.',
  );
}

function lineOf(task: Task): string {
  const type = task.target.kind === 'pull' ? taskV2Beta3Type : taskV2Type;
  const message = taskToProto(task, 'FULL') as Plain;
  return `${JSON.stringify(messageToJson(type, message, { enumsAsNumbers: false }))}\n`;
}

function reply(type: string, body: string): HttpReply {
  return { status: 200, headers: { 'content-type': `${type}; charset=UTF-8` }, body };
}

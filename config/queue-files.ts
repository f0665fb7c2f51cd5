import { readFile } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { ConfigError } from './config-error.ts';
import { faultLines } from './faults.ts';
import { jsonFault } from './json-fault.ts';
import { queueList } from './queue-schema.ts';
import type { QueueConfig } from './queue-schema.ts';
import { isTerraformState, queuesOfTerraform } from './terraform-state.ts';

/** A state of Terraform holds much besides its queues. */
const MAX_BYTES = 32 * 1024 * 1024;
/** What people write by hand, or gcloud prints, is far shorter; and a long text of YAML takes long to read. */
const MAX_YAML_BYTES = 1024 * 1024;

const fileSchema = z.strictObject({ queues: queueList });

/**
 * Reads the queues of several files, each in one of these forms, as YAML or JSON:
 *
 * - `queues:` with a list of queues, as in the configuration; what `pageturner queues export` writes
 * - what `gcloud tasks queues describe` or `list` prints
 * - a `terraform.tfstate` of version 4, of which the `google_cloud_tasks_queue` are taken
 *
 * @throws ConfigError that names every fault of the first file that has one
 */
export async function loadQueueFiles(files: readonly string[]): Promise<QueueConfig[]> {
  const owners = new Map<string, string>();
  const all: QueueConfig[] = [];
  for (const file of files) {
    for (const queue of parseQueueFile(await read(file), file)) {
      const owner = owners.get(queue.name);
      if (owner !== undefined) throw new ConfigError(file, [`queue ${queue.name} is in ${owner} already`]);
      owners.set(queue.name, file);
      all.push(queue);
    }
  }
  return all;
}

/** @param file named in errors only. @throws ConfigError */
export function parseQueueFile(text: string, file: string): QueueConfig[] {
  const input = { queues: entriesOf(documentsOf(text, file), file) };
  const parsed = fileSchema.safeParse(input);
  if (parsed.success) return parsed.data.queues;
  throw new ConfigError(file, faultLines(parsed.error, input), { cause: parsed.error });
}

async function read(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    // Editors of Windows begin a file with a byte order mark.
    if (bytes.length <= MAX_BYTES) return bytes.toString('utf8').replace(/^\uFEFF/, '');
    throw new ConfigError(file, [`it has ${bytes.length} bytes; at most ${MAX_BYTES} are read`]);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new ConfigError(file, [code === 'ENOENT' ? 'there is no such file' : message], { cause });
  }
}

function documentsOf(text: string, file: string): readonly unknown[] {
  if (/^\s*[[{]/.test(text)) {
    try {
      return [JSON.parse(text)];
    } catch (cause) {
      const { line, column, reason } = jsonFault(text, cause as SyntaxError);
      throw new ConfigError(file, [`line ${line}, column ${column}: ${reason}`], { cause });
    }
  }
  if (text.length > MAX_YAML_BYTES) {
    throw new ConfigError(file, [
      `it has ${text.length} characters; of YAML at most ${MAX_YAML_BYTES} are read`,
    ]);
  }
  try {
    const documents = parseAllDocuments(text);
    const faults = [...documents].flatMap(({ errors }) => errors.map(({ message }) => firstLine(message)));
    if (faults.length > 0) throw new ConfigError(file, faults);
    return [...documents].map((document) => document.toJS() as unknown);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    // Of what is nested too deep, or repeats itself too often.
    throw new ConfigError(file, [firstLine((cause as Error).message)], { cause });
  }
}

/** The queues as the configuration would have them, not yet checked. */
function entriesOf(documents: readonly unknown[], file: string): readonly unknown[] {
  const [first] = documents;
  if (isRecord(first) && 'queues' in first && documents.length === 1) {
    const { queues, ...rest } = first;
    const [other] = Object.keys(rest);
    if (other !== undefined) throw new ConfigError(file, [`${other}: a queue file has "queues" alone`]);
    return queues as readonly unknown[];
  }
  if (isTerraformState(first)) return queuesOfTerraform(first, file);
  if (isRecord(first) && 'queue' in first) {
    throw new ConfigError(file, [
      "this is App Engine's queue.yaml: send it to the emulator that runs, " +
        `curl --data-binary @${file} 'http://127.0.0.1:8123/api/queue/update?appId=PROJECT'`,
    ]);
  }
  const described = documents.flat();
  if (described.length > 0 && described.every(isDescribed)) return described.map(ofGcloud);
  throw new ConfigError(file, [
    'there are no queues in it: write "queues:" with a list, or give what `gcloud tasks queues describe` prints, or a terraform.tfstate',
  ]);
}

type Described = Readonly<Record<string, unknown>> & { readonly name: string };

function isDescribed(value: unknown): value is Described {
  return isRecord(value) && /^projects\/[^/]+\/locations\/[^/]+\/queues\//.test(String(value['name']));
}

/** What the service tells of a queue, without what it alone can set. */
function ofGcloud({ purgeTime: _purged, stats: _stats, ...queue }: Described): unknown {
  const { appEngineHttpQueue, ...rest } = queue as Described & { readonly appEngineHttpQueue?: object };
  return { ...rest, ...appEngineHttpQueue, name: rest.name.slice(rest.name.lastIndexOf('/') + 1) };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.replace(/:$/, '') ?? text;
}

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigError } from './config-error.ts';
import { faultLines } from './faults.ts';
import { jsonFault } from './json-fault.ts';
import { emulatorConfigSchema, type EmulatorConfig } from './schema.ts';

/** The name that is looked for in the current folder. */
export const configFileName = 'emulator.config.json';

/**
 * Reads the configuration of the local stack.
 *
 * @param file where it lies. Without one, `emulator.config.json` of the current folder is read, and the defaults hold if there
 *   is none.
 * @throws ConfigError that names every fault by its path, or the line and column where the file stops being JSON
 */
export async function loadConfig(file?: string): Promise<EmulatorConfig> {
  const path = file ?? configFileName;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' && file === undefined) return parseConfig('{}', path);
    throw new ConfigError(path, [code === 'ENOENT' ? 'there is no such file' : message], { cause });
  }
  // Editors of Windows begin a file with a byte order mark.
  text = text.replace(/^\uFEFF/, '');
  return await withQueueFiles(parseConfig(text, path), path, /"queues"\s*:/.test(text));
}

/** Where the files are that the configuration names. */
export function queueFilesOf(config: EmulatorConfig, file: string = configFileName): readonly string[] {
  return config.queueFiles.map((each) => resolve(dirname(file), each));
}

/** With the queues of its files, which take the place of the one that is there where no queue is named. */
async function withQueueFiles(
  config: EmulatorConfig,
  file: string,
  hasOwn: boolean,
): Promise<EmulatorConfig> {
  if (config.queueFiles.length === 0) return config;
  const { loadQueueFiles } = await import('./queue-files.ts');
  const more = await loadQueueFiles(queueFilesOf(config, file));
  const own = hasOwn ? config.queues : [];
  const twice = own.find(({ name }) => more.some((other) => other.name === name));
  if (twice !== undefined)
    throw new ConfigError(file, [`queues: ${twice.name} is in a file of queueFiles too`]);
  return { ...config, queues: [...own, ...more] };
}

/** @param file named in errors only. @throws ConfigError */
export function parseConfig(text: string, file: string = configFileName): EmulatorConfig {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch (cause) {
    const { line, column, reason } = jsonFault(text, cause as SyntaxError);
    throw new ConfigError(file, [`line ${line}, column ${column}: ${reason}`], { cause });
  }
  const parsed = emulatorConfigSchema.safeParse(input);
  if (!parsed.success) throw new ConfigError(file, faultLines(parsed.error, input), { cause: parsed.error });
  return parsed.data;
}

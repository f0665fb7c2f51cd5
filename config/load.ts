import { readFile } from 'node:fs/promises';
import { faultLines } from './faults.ts';
import { jsonFault } from './json-fault.ts';
import { emulatorConfigSchema, type EmulatorConfig } from './schema.ts';

/** The configuration file cannot be used. `faults` holds one line for each thing to mend. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly file: string;
  readonly faults: readonly string[];

  constructor(file: string, faults: readonly string[], options?: ErrorOptions) {
    super(`${file} cannot be used:\n${faults.map((fault) => `  ${fault}`).join('\n')}`, options);
    this.file = file;
    this.faults = faults;
  }
}

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
  return parseConfig(text.replace(/^\uFEFF/, ''), path);
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

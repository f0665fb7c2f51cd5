import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { jsonFault } from '../../config/json-fault.ts';
import { CliError } from '../error.ts';
import { modulePath } from './module-path.ts';

/** The functions that Pageturner itself comes with, as an example and for the demo. */
export const exampleEntry: string = modulePath(import.meta.url, '../../functions/index');

/**
 * The module that registers the functions of a project: the `main` of its package.json, as for the Functions Framework.
 *
 * @throws CliError `config`
 */
export async function functionsEntry(folder: string): Promise<string> {
  const file = join(folder, 'package.json');
  const mend =
    'Run this in the folder of a package.json whose "main" registers the functions: http(NAME, handler).';
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new CliError('config', `There is no package.json in ${folder}.`, mend, { cause });
  }
  const main = mainOf(text, file);
  if (!main) throw new CliError('config', `${file} names no "main".`, mend);
  const entry = resolve(folder, main);
  const unfit = (fault: string, cause?: unknown): CliError => {
    const next = 'Write the module that registers the functions there in full, such as functions/index.ts.';
    return new CliError('config', `${file} names "${main}" as its "main", which is ${fault}.`, next, {
      cause,
    });
  };
  const found = await stat(entry).catch((cause: unknown) => {
    throw unfit('not there', cause);
  });
  if (!found.isFile()) throw unfit('no file');
  return entry;
}

function mainOf(text: string, file: string): string | undefined {
  let manifest: { main?: unknown } | null;
  try {
    manifest = JSON.parse(text) as typeof manifest;
  } catch (cause) {
    const { line, column, reason } = jsonFault(text, cause as SyntaxError);
    const fault = `${file} is not JSON: line ${line}, column ${column}: ${reason}.`;
    throw new CliError('config', fault, 'Mend the file.', { cause });
  }
  return typeof manifest?.main === 'string' ? manifest.main : undefined;
}

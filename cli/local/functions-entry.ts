import { access, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
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
  const main = mainOf(text);
  if (!main) throw new CliError('config', `${file} names no "main".`, mend);
  const entry = resolve(folder, main);
  try {
    await access(entry);
    return entry;
  } catch (cause) {
    const next = 'Write the module that registers the functions there in full, such as functions/index.ts.';
    throw new CliError('config', `${file} names "${main}" as its "main", which is not there.`, next, {
      cause,
    });
  }
}

function mainOf(text: string): string | undefined {
  try {
    const { main } = JSON.parse(text) as { main?: unknown };
    return typeof main === 'string' ? main : undefined;
  } catch {
    return undefined;
  }
}

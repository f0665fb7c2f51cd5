import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Path of a module of this project, to run it in a process of its own. The sources are `.ts`, the built package holds `.js`:
 * the file takes the ending of the module that asks.
 *
 * @param from the asking module's `import.meta.url`
 * @param specifier relative to it and without an ending, such as `./guard-process`
 */
export function modulePath(from: string, specifier: string): string {
  const ending = extname(fileURLToPath(from));
  return fileURLToPath(new URL(`${specifier}${ending}`, from));
}

import { readFile, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { CliError } from './error.ts';

/** The text of a file; `-` is standard input. @throws CliError `usage` */
export async function readTextFile(file: string): Promise<string> {
  if (file === '-') return await text(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw fault(file, 'read', cause);
  }
}

/** Writes a file that its owner alone may read; `-`, or none, is standard output. @throws CliError `usage` */
export async function writeTextFile(file: string | undefined, content: string): Promise<void> {
  if (file === undefined || file === '-') {
    process.stdout.write(content);
    return;
  }
  try {
    await writeFile(file, content, { mode: 0o600 });
  } catch (cause) {
    throw fault(file, 'written', cause);
  }
}

function fault(file: string, verb: 'read' | 'written', cause: unknown): CliError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const missing = verb === 'read' ? 'there is no such file' : 'there is no such folder';
  const reason = code === 'ENOENT' ? missing : message;
  return new CliError('usage', `${file} cannot be ${verb}: ${reason}.`, 'Give another path.', { cause });
}

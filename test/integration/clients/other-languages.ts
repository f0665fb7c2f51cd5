import { execFile, type ExecFileException } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

/** Where Debian keeps the sources of Go packages, Google's client among them. */
export const GOCODE = '/usr/share/gocode';
/** For a whole test: the first run of a compiler on a machine builds its standard library and the client. */
export const TIMEOUT_MS = 240_000;

/** The block of code in that language under a heading of a page in docs/. */
export function blockOf(page: string, heading: string, language: string): string {
  const text = readFileSync(new URL(`../../../docs/${page}.md`, import.meta.url), 'utf8');
  const section = text.split(/^#+ /m).find((part) => part.startsWith(heading)) ?? '';
  const block = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(section)?.[1];
  if (block === undefined) throw new Error(`docs/${page}.md has no ${language} under "${heading}".`);
  return block;
}

/**
 * Runs a command in a folder that holds one file, and this project's packages for Node; rejects with all that it printed if it fails.
 */
export async function runFile(
  name: string,
  text: string,
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'pageturner-language-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  writeFileSync(join(folder, name), text);
  return await run(command, { cwd: folder, env: { ...process.env, ...env } });
}

async function run(
  command: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const [tool = '', ...args] = command;
  try {
    return (await promisify(execFile)(tool, args, { ...options, timeout: TIMEOUT_MS })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as ExecFileException;
    throw new Error(`${command.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

/** Whether a command that only asks what is on the machine says yes. What it has is run, in CI as elsewhere. */
export async function says(command: readonly string[], answer: RegExp): Promise<boolean> {
  return await run(command).then(
    (output) => answer.test(output),
    () => false,
  );
}

/**
 * All static checks, as one command: `npm run check`. Prints a line each, and the whole output of those that fail. It also fails when
 * the checks have changed the tree (a generated file that was not committed), and in CI on any uncommitted change.
 */
import { execFile } from 'node:child_process';
import { styleText } from 'node:util';

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const checks: readonly Check[] = [
  { name: 'types', command: ['tsc', '-p', '.'] },
  { name: 'lint and boundaries', command: ['oxlint'] },
  // Written anew; the check for a clean tree sees whether that changed it.
  { name: 'fidelity page', command: ['node', 'scripts/write-fidelity.ts'] },
  { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
  { name: 'dead code', command: ['knip'] },
  { name: 'repeated code', command: ['jscpd'] },
  { name: 'build', command: ['tsc', '-p', 'tsconfig.build.json'] },
  { name: 'assets', command: ['node', 'scripts/copy-assets.ts'] },
  { name: 'package', command: ['publint', '--strict'] },
  {
    name: 'types of the package',
    // The rule that is left out is about "main", which serves the Functions Framework in a checkout and is no entry of the package.
    command: ['attw', '--pack', '.', '--profile', 'esm-only', '--ignore-rules', 'internal-resolution-error'],
  },
];

interface Result {
  readonly isPassed: boolean;
  readonly output: string;
}

async function run([command, ...args]: Check['command']): Promise<Result> {
  return await new Promise((resolve) => {
    execFile('npx', ['--no', '--', command, ...args], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      resolve({ isPassed: error === null, output: stdout + stderr });
    });
  });
}

async function changes(): Promise<string> {
  return await new Promise((resolve) => {
    execFile('git', ['status', '--porcelain'], (_, stdout) => resolve(stdout));
  });
}

const before = await changes();
let failures = 0;
for (const { name, command } of checks) {
  const startedAt = performance.now();
  const { isPassed, output } = await run(command);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const mark = isPassed ? styleText('green', 'ok    ') : styleText('red', 'failed');
  console.log(`${mark} ${name} (${seconds} s)`);
  if (!isPassed) {
    failures += 1;
    console.log(output);
  }
}
const after = await changes();
const allowed = process.env['CI'] === 'true' ? '' : before;
if (after !== allowed) {
  failures += 1;
  console.log(`${styleText('red', 'failed')} clean tree: commit what the checks made, or undo it\n${after}`);
}
process.exitCode = failures === 0 ? 0 : 1;

/**
 * What each unmodified client can do with the emulator, tried out and printed as a table: `npm run matrix`. It runs the tests of the
 * clients and arranges their results; it fails if one of them does.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import Table from 'cli-table3';

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly Assertion[];
  }[];
}

interface Assertion {
  /** Titles of the `describe`s around the test, outermost first: the client. */
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
}

const TESTS = ['test/integration/clients', 'test/integration/emulator/gcloud'];

async function runTests(): Promise<Report> {
  await using folders = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'pageturner-matrix-'));
  folders.defer(() => rm(folder, { recursive: true }));
  const file = join(folder, 'report.json');
  const args = ['--no', '--', 'vitest', 'run', '--reporter=json', `--outputFile=${file}`, ...TESTS];
  const output = await new Promise<string>((resolve) => {
    execFile('npx', args, { maxBuffer: 2 ** 26 }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Report;
  } catch (cause) {
    throw new Error(`The tests did not run:\n${output}`, { cause });
  }
}

const MARKS: Readonly<Record<string, string>> = {
  passed: styleText('green', 'yes'),
  failed: styleText('red', 'NO'),
};

const report = await runTests();
const assertions = report.testResults.flatMap(({ assertionResults }) => assertionResults);
const inTable = assertions.filter(({ ancestorTitles: [client = ''] }) =>
  client.startsWith('@google-cloud/tasks'),
);
const clients = [...new Set(inTable.map(({ ancestorTitles: [client = ''] }) => client))];
const operations = [...new Set(inTable.map(({ title }) => title))];
const table = new Table({ head: ['', ...clients], style: { head: [], border: [] } });
for (const operation of operations) {
  const cells = clients.map((client) => {
    const found = inTable.find((result) => result.title === operation && result.ancestorTitles[0] === client);
    return MARKS[found?.status ?? ''] ?? 'not run';
  });
  table.push([operation, ...cells]);
}
console.log(table.toString());

const others = new Table({ head: ['other clients', ''], style: { head: [], border: [] } });
for (const result of assertions.filter((assertion) => !inTable.includes(assertion))) {
  others.push([[...result.ancestorTitles, result.title].join(' '), MARKS[result.status] ?? 'not run']);
}
console.log(others.toString());

const failures = report.testResults.filter(({ message }) => message !== '');
for (const { name, message } of failures) console.log(`${name}: ${message}`);
const failed = assertions.filter(({ status }) => status === 'failed').length + failures.length;
console.log(
  failed === 0 ? `All of ${assertions.length} work.` : `${failed} of ${assertions.length} do not work.`,
);
process.exitCode = failed === 0 ? 0 : 1;

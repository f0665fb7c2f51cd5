import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { GoogleAuth } from 'google-auth-library';
import { planRecording, record, type Plan, type RecordedRow, type Recording } from '../conformance/record.ts';
import { newCommand, type CommonOptions } from '../command.ts';
import { CliError } from '../error.ts';
import { Interrupted, interruptible } from '../interrupt.ts';
import { writeTextFile } from '../files.ts';
import { print, printJson } from '../output.ts';
import { wholeNumber } from '../whole-number.ts';

interface Options extends CommonOptions {
  readonly project: string;
  readonly location: string;
  readonly endpoint: string;
  readonly output: string;
  readonly settle: number;
  readonly yes?: boolean;
}

export function recordCommand(): Command {
  return newCommand(
    'record',
    'ask the real Cloud Tasks for the errors that the emulator imitates, and tell where they differ',
    'record --project my-project --location us-central1 --yes',
  )
    .requiredOption('--project <id>', 'a project of yours in Google Cloud')
    .requiredOption('--location <id>', 'where its queues may be, such as us-central1')
    .option('--endpoint <url>', 'the service', 'https://cloudtasks.googleapis.com')
    .option('--output <file>', 'where the answers are written', 'cloud-tasks-recording.json')
    .option('--settle <seconds>', 'how long new queues are given to be known', wholeNumber(0, 600), 60)
    .option('--yes', 'do it; without it, only what would be done is said')
    .action((options: Options) => interruptible((signal) => run(options, signal)));
}

async function run(options: Options, signal: AbortSignal): Promise<void> {
  const plan = planRecording(options.project, options.location);
  if (!options.yes) return options.json ? printJson(planJson(plan)) : printPlan(plan, options);
  const headers = await authorization(options.endpoint);
  signal.addEventListener('abort', () => options.json || sayOfEnd(), { once: true });
  const recording = await record({
    ...plan,
    endpoint: options.endpoint,
    headers,
    settle: () => sleep(options.settle * 1000, undefined, { signal }),
    now: Date.now,
    signal,
  }).catch((cause: unknown) => {
    if (cause instanceof CliError || cause instanceof Interrupted) throw cause;
    const next = 'The queues that were made are deleted.';
    throw new CliError('refused', (cause as Error).message, next, { cause });
  });
  await writeTextFile(options.output, `${JSON.stringify(recording, null, 2)}\n`);
  if (options.json) return printJson(recording);
  return printDrift(recording, options.output);
}

/** A second Ctrl-C would leave them. */
function sayOfEnd(): void {
  process.stderr.write('The queues that were made are being deleted.\n');
}

function planJson({ prefix, rows, skipped }: Plan): object {
  return { prefix, rows: rows.map(({ rpc, condition }) => ({ rpc, condition })), skipped };
}

function printPlan({ prefix, location, rows, skipped }: Plan, { output, endpoint }: Options): void {
  print(`Nothing is done yet. With --yes, at ${endpoint} in ${location}:`);
  print(
    `  three queues are made whose ids begin with ${prefix.slice(0, -7)}, and two tasks; queues that get tasks are paused;`,
  );
  print(
    `  ${rows.length} calls are made that the service should refuse, each about those queues or about none that exists;`,
  );
  print(
    '  those queues are deleted at the end. Their ids stay taken for some days; each run makes up others.',
  );
  print(
    `  That is some ${rows.length + 12} API calls, within the free million of a month, and no task is dispatched.`,
  );
  print(`  The answers are written to ${output}, with the names of the table in place of yours.`);
  print(`${skipped.length} rows of the table are left out; --json says which and why.`);
}

function printDrift({ rows, skipped }: Recording, file: string): void {
  const different = rows.filter(({ isSame }) => !isSame);
  for (const row of different) {
    print(`${row.rpc}, ${row.condition} (${row.mark}${row.profile === 'strict' ? ', strict' : ''})`);
    print(`  the service:  ${answerText(row.recorded)}`);
    print(`  the emulator: ${answerText(row.expected)}`);
  }
  const marks = (['recorded', 'documented', 'inferred'] as const).map((mark) => {
    const ofMark = rows.filter((row) => row.mark === mark);
    return `${mark} ${ofMark.filter(({ isSame }) => isSame).length} of ${ofMark.length}`;
  });
  print(`${rows.length - different.length} of ${rows.length} answers are the same: ${marks.join(', ')}.`);
  print(`${skipped.length} rows were left out. All of it is in ${file}.`);
}

function answerText({ code, message, details }: RecordedRow['recorded']): string {
  return `${code} ${message}${details.length === 0 ? '' : ` ${JSON.stringify(details)}`}`;
}

/** A token goes to Google only. */
async function authorization(endpoint: string): Promise<Record<string, string>> {
  const { protocol, hostname } = new URL(endpoint);
  if (protocol !== 'https:' || !hostname.endsWith('.googleapis.com')) return {};
  return { authorization: `Bearer ${await accessToken()}` };
}

async function accessToken(): Promise<string> {
  try {
    const auth = new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' });
    const token = await auth.getAccessToken();
    if (token) return token;
  } catch {
    // There may be gcloud's own.
  }
  try {
    const { stdout } = await promisify(execFile)('gcloud', ['auth', 'print-access-token']);
    return stdout.trim();
  } catch (cause) {
    throw new CliError(
      'usage',
      'There are no credentials for Google Cloud.',
      'Log in with `gcloud auth application-default login`, or `gcloud auth login`.',
      { cause },
    );
  }
}

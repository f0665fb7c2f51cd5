import { randomUUID } from 'node:crypto';
import { setInterval as every } from 'node:timers/promises';
import { Firestore } from '@google-cloud/firestore';
import type { EmulatorConfig } from '../config/schema.ts';
import { seedStudents } from '../functions/seed.ts';
import { getRun, type RunSummary } from '../lib/index.ts';
import { callStarter, localTokens } from './call-starter.ts';
import { CliError } from './error.ts';
import { orAborted } from './interrupt.ts';
import type { LocalStack } from './local/stack.ts';
import { TaskTally } from './task-tally.ts';

const program = 'gsoc2026';

/** Nothing waits this long by intention; the queues try again sooner. */
const longestQuietMs = 30_000;

export interface DemoOptions {
  readonly students: number;
  readonly signal: AbortSignal;
  readonly onSeeded: (members: number) => void;
  readonly onStarted: (url: string, runId: string, members: number) => void;
  readonly onMail: (received: number) => void;
}

/** What the demo counted. */
export interface DemoResult {
  readonly run: string;
  readonly state: RunSummary['state'];
  readonly students: number;
  /** Students in the program: how many mails there must be. */
  readonly members: number;
  readonly documents: number;
  readonly pages: number;
  readonly dispatched: number;
  readonly mailsStarted: number;
  readonly mailsReceived: number;
  readonly distinctMails: number;
  /** From the call of the starter to the last task's end. */
  readonly seconds: number;
  /** What is not as it must be; empty when each member got one mail. */
  readonly missing: readonly string[];
}

/**
 * The queues of the example functions, as configured, or else with the settings of a new queue; in a project of its own, so that
 * what an earlier demo left in an emulator that goes on running does not count.
 */
export function demoConfig(config: EmulatorConfig): EmulatorConfig {
  const queues = ['iterate', 'mail'].map(
    (name) => config.queues.find((queue) => queue.name === name) ?? { name },
  );
  return { ...config, project: `demo-${randomUUID().slice(0, 8)}`, queues };
}

/**
 * The main job on real parts: seeds students, starts the mailing of a program as anybody would over HTTP, waits until no task is
 * left, and counts.
 *
 * @throws CliError when it does not come to an end; `signal.reason` when it is aborted
 */
export async function runDemo(stack: LocalStack, options: DemoOptions): Promise<DemoResult> {
  const { students, signal } = options;
  const db = new Firestore({ projectId: stack.env['GOOGLE_CLOUD_PROJECT'] ?? '' });
  const members = await orAborted(seedStudents(db, { count: students, program }), signal);
  await db.terminate();
  options.onSeeded(members);

  using tally = new TaskTally(stack.tasks);
  const stopCounting = stack.mail.observe(() => options.onMail(stack.mail.received));
  const startedAt = performance.now();
  const call = {
    task: 'email-students',
    functionsUrl: stack.functions.url,
    params: { program },
    tokens: localTokens,
  };
  const { runId = '' } = await orAborted(callStarter(call), signal);
  options.onStarted(`${stack.functions.url}/start-email-students`, runId, members);
  await untilIdle(tally, signal);
  const seconds = (performance.now() - startedAt) / 1000;
  stopCounting();

  const run = await orAborted(getRun(runId), signal);
  if (!run) throw new CliError('failed', `The run ${runId} has left no document.`);
  const counts = {
    members,
    documents: run.processed,
    mailsStarted: run.started,
    mailsReceived: stack.mail.received,
    distinctMails: stack.mail.distinct,
  };
  const { state, pages } = run;
  const { dispatched } = tally;
  return {
    run: runId,
    state,
    students,
    pages,
    dispatched,
    ...counts,
    seconds,
    missing: missingOf(run, counts),
  };
}

interface Counts {
  readonly members: number;
  readonly documents: number;
  readonly mailsStarted: number;
  readonly mailsReceived: number;
  readonly distinctMails: number;
}

function missingOf(run: RunSummary, counts: Counts): string[] {
  const { members } = counts;
  const missing: string[] = [];
  const expect = (count: number, what: string): void => {
    if (count !== members) missing.push(`${count} ${what}, where there must be ${members}`);
  };
  if (run.state !== 'completed')
    missing.push(`the run is ${run.state}: ${run.lastError?.message ?? 'no error is recorded'}`);
  expect(counts.documents, 'documents visited');
  expect(counts.mailsStarted, 'mails started');
  expect(counts.mailsReceived, 'mails received');
  expect(counts.distinctMails, 'distinct mails');
  return missing;
}

/** Waits until no task is left. @throws CliError when tasks are left and nothing happens any more */
async function untilIdle(tally: TaskTally, signal: AbortSignal): Promise<void> {
  const watch = new AbortController();
  try {
    await orAborted(Promise.race([tally.idle(), standstill(tally, watch.signal)]), signal);
  } finally {
    watch.abort();
  }
}

/** Rejects when nothing has happened for too long, and when it is no longer wanted. */
async function standstill(tally: TaskTally, signal: AbortSignal): Promise<never> {
  for await (const _ of every(1_000, undefined, { signal })) {
    if (tally.quietMs < longestQuietMs) continue;
    throw new CliError(
      'failed',
      `Nothing has happened for ${longestQuietMs / 1000} s, and ${tally.open} tasks are left.`,
      'Run it with --verbose to see what the functions say.',
    );
  }
  throw signal.reason;
}

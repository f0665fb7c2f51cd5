import type { Command } from 'commander';
import { loadConfig } from '../../config/load.ts';
import { newCommand, type CommonOptions } from '../command.ts';
import { demoConfig, runDemo, type DemoResult } from '../demo.ts';
import { CliError } from '../error.ts';
import { interruptible } from '../interrupt.ts';
import { exampleEntry } from '../local/functions-entry.ts';
import type { FunctionsEvent } from '../local/functions.ts';
import { startLocalStack, type LocalStack } from '../local/stack.ts';
import { paint, print, printJson, printPairs } from '../output.ts';
import { startProgress, type Progress } from '../progress.ts';
import { wholeNumber } from '../whole-number.ts';

interface Options extends CommonOptions {
  readonly students: number;
  readonly verbose?: boolean;
}

export function demoCommand(): Command {
  return newCommand(
    'demo',
    'mail every student of a program, on real parts, and count the mails',
    'demo --students 10000',
  )
    .option(
      '--students <number>',
      'how many students to seed; two of five are in the program',
      wholeNumber(1, 1_000_000),
      2_500,
    )
    .option('--verbose', 'show what the functions say')
    .action((options: Options) => interruptible((signal) => demo(options, signal)));
}

async function demo(options: Options, signal: AbortSignal): Promise<void> {
  const config = demoConfig(await loadConfig(options.config));
  const say = options.json ? () => {} : print;
  const said: string[] = [];
  say(paint('bold', 'Pageturner: mail every student of a program'));
  await using stack = await startLocalStack({
    config,
    entry: exampleEntry,
    ports: 'free',
    isReloading: false,
    signal,
    onFunctionsEvent: (event) => follow(event, said, options),
  });
  Object.assign(process.env, stack.env);
  if (!options.json) introduce(stack);

  let progress: Progress | undefined;
  let result: DemoResult;
  try {
    result = await runDemo(stack, {
      students: options.students,
      signal,
      onSeeded: (members) =>
        say(`${options.students} students are seeded, ${members} of them in the program.`),
      onStarted(url, runId, members) {
        say(`POST ${url} has started run ${runId}.`);
        if (!options.json) progress = startProgress('mails', members);
      },
      onMail: (received) => progress?.update(received),
    });
  } finally {
    progress?.stop();
  }
  if (options.json) printJson(result);
  else report(result);
  if (result.missing.length > 0) throw failed(result, said);
}

/** Keeps the errors that the functions log, to show them if the demo fails. */
function follow(event: FunctionsEvent, said: string[], options: Options): void {
  if (event.kind !== 'output') return;
  if (options.verbose) process.stderr.write(`${event.line}\n`);
  if (event.stream === 'stderr' || event.line.includes('"severity":"ERROR"')) said.push(event.line);
}

function introduce({ tasks, firestore, mail, functions }: LocalStack): void {
  printPairs([
    ['  Firestore emulator', `${firestore.host} (${firestore.source})`],
    ['  Cloud Tasks emulator', tasks.url],
    ['  SMTP server', mail.url],
    ['  functions', `${functions.url}/{${functions.names.join(',')}}`],
  ]);
}

function report(result: DemoResult): void {
  print();
  printPairs([
    ['documents visited', String(result.documents)],
    ['pages', String(result.pages)],
    ['tasks dispatched', String(result.dispatched)],
    ['mails started', String(result.mailsStarted)],
    ['mails received', String(result.mailsReceived)],
    ['distinct', String(result.distinctMails)],
    ['time', `${result.seconds.toFixed(1)} s`],
  ]);
  print();
  if (result.missing.length === 0)
    print(paint('green', `Each of the ${result.members} students got exactly one mail.`));
}

function failed({ missing }: DemoResult, said: readonly string[]): CliError {
  const last = said.length === 0 ? '' : ` The functions said: ${said.at(-1)}`;
  return new CliError(
    'failed',
    `Not everything is as it must be: ${missing.join('; ')}.${last}`,
    'Run it with --verbose to see what the functions say.',
  );
}

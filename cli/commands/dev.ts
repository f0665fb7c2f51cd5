import { relative } from 'node:path';
import type { Command } from 'commander';
import { configFileName, loadConfig } from '../../config/load.ts';
import type { EmulatorConfig } from '../../config/schema.ts';
import { newCommand, type CommonOptions } from '../command.ts';
import { CliError } from '../error.ts';
import { aborted, interruptible } from '../interrupt.ts';
import { gcloudEnvironment } from '../local/environment.ts';
import { functionsEntry } from '../local/functions-entry.ts';
import { configEventText, followConfig, type ConfigEvent } from '../local/follow-config.ts';
import { endedText, failedText, type FunctionsEvent } from '../local/functions.ts';
import { consoleUrl } from '../local/tasks-emulator.ts';
import { startLocalStack, type LocalStack } from '../local/stack.ts';
import { paint, print, printJsonLine, printPairs } from '../output.ts';

export function devCommand(): Command {
  return newCommand(
    'dev',
    'run everything, and start the functions anew when their files change',
    'dev',
  ).action((options: CommonOptions) => interruptible((signal) => dev(options, signal)));
}

async function dev(options: CommonOptions, signal: AbortSignal): Promise<void> {
  const config = await loadConfig(options.config);
  const entry = await functionsEntry(process.cwd());
  await using stack = await startLocalStack({
    config,
    entry,
    ports: 'configured',
    isReloading: true,
    signal,
    onFunctionsEvent: options.json ? tellEvent : printEvent,
  });
  const file = options.config ?? configFileName;
  using _ = followConfig({
    emulator: stack.tasks,
    config,
    file,
    load: () => loadConfig(file),
    onEvent: ({ kind, ...event }) =>
      options.json
        ? printJsonLine({ event: `config-${kind}`, ...event })
        : print(configEventText({ kind, ...event } as ConfigEvent)),
  });
  if (options.json) printJsonLine({ event: 'ready', ...addresses(stack, config) });
  else introduce(stack, config);
  await Promise.race([aborted(signal), firestoreEnds(stack, signal)]);
  if (!options.json) print('Everything is being ended.');
}

async function firestoreEnds({ firestore }: LocalStack, signal: AbortSignal): Promise<void> {
  await firestore.exited;
  if (signal.aborted) return;
  throw new CliError(
    'failed',
    "Google's Firestore emulator has ended by itself.",
    'Start `pageturner dev` again.',
  );
}

function addresses({ tasks, firestore, mail, functions, env }: LocalStack, config: EmulatorConfig): object {
  return {
    urls: {
      tasks: tasks.url,
      console: consoleUrl(tasks.url),
      firestore: firestore.host,
      smtp: mail.url,
      functions: functions.url,
    },
    functions: functions.names.map((name) => `${functions.url}/${name}`),
    env,
    gcloud: gcloudEnvironment(config, hostOf(tasks)),
  };
}

function introduce(stack: LocalStack, config: EmulatorConfig): void {
  const { tasks, firestore, mail, functions, env } = stack;
  print(paint('bold', 'Pageturner runs on this machine'));
  printPairs([
    ['  Cloud Tasks emulator', `${tasks.url} (gRPC and REST)`],
    ['  its console', consoleUrl(tasks.url)],
    ['  Firestore emulator', firestore.host],
    ['  SMTP server', mail.url],
    ['  functions', functions.url],
    ...functions.names.map((name) => ['', `${functions.url}/${name}`] as const),
  ]);
  print();
  print(paint('bold', 'For gcloud:'));
  printExports(gcloudEnvironment(config, hostOf(tasks)));
  print(paint('bold', 'For clients, tests and functions of your own:'));
  printExports(env);
  print('Ctrl-C ends everything.');
}

function printExports(env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) print(`  export ${name}=${value}`);
  print();
}

function hostOf({ host, port }: LocalStack['tasks']): string {
  return `${host}:${port}`;
}

function tellEvent(event: FunctionsEvent): void {
  switch (event.kind) {
    case 'output':
      printJsonLine({ event: 'output', stream: event.stream, line: event.line });
      return;
    case 'ready':
      printJsonLine({ event: 'functions', names: event.names });
      return;
    case 'changed':
      printJsonLine({ event: 'changed', file: event.file });
      return;
    case 'failed':
      printJsonLine({ event: 'failed', message: event.error.message });
      return;
    case 'ended':
      printJsonLine({ event: 'ended', status: event.code, signal: event.signal, waitMs: event.waitMs });
      return;
    case 'unwatched':
      printJsonLine({ event: 'unwatched', message: event.error.message });
  }
}

function printEvent(event: FunctionsEvent): void {
  switch (event.kind) {
    case 'output':
      print(`${paint('dim', 'functions │')} ${event.line}`);
      return;
    case 'ready':
      print(
        paint(
          'green',
          `The functions answer: ${event.names.length} in ${(event.tookMs / 1000).toFixed(1)} s.`,
        ),
      );
      return;
    case 'changed':
      print(`${relative(process.cwd(), event.file)} has changed; the functions start anew.`);
      return;
    case 'failed':
      print(paint('red', failedText(event)));
      return;
    case 'ended':
      print(paint('yellow', endedText(event)));
      return;
    case 'unwatched':
      print(paint('yellow', event.error.message));
      print(event.error.nextStep);
  }
}

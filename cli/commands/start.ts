import { InvalidArgumentError, type Command } from 'commander';
import { callStarter, cloudTokens, localTokens, type Started } from '../call-starter.ts';
import { newCommand, withPlace, type CommonOptions } from '../command.ts';
import { CliError } from '../error.ts';
import { paint, print, printJson } from '../output.ts';
import {
  findPlace,
  localFunctionsUrl,
  localTasksHost,
  useCloud,
  useLocalTasks,
  type PlaceOptions,
} from '../place.ts';
import { documentRate } from '../document-rate.ts';
import { taskName } from '../task-name.ts';
import { variable } from '../variable.ts';
import { wholeNumber } from '../whole-number.ts';

interface Options extends CommonOptions, PlaceOptions {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly p?: Readonly<Record<string, unknown>>;
  readonly url?: string;
  readonly idempotencyKey?: string;
  readonly key?: string;
  readonly shards?: number;
  readonly delay?: number;
  readonly at?: string;
  readonly repeat?: number;
  readonly documentsPerSecond?: number | null;
  readonly dryRun?: boolean;
}

export function startCommand(): Command {
  return withPlace(
    newCommand('start', 'start a task by calling its starter', 'start email-students -p program=gsoc2026'),
  )
    .argument('<task>', 'the name of the task; its starter is the function start-TASK', taskName)
    .option('--params <json>', 'the parameters, as a JSON object', readParams)
    .option(
      '-p <key=value>',
      'one parameter; a value that is JSON is taken as such, anything else as text',
      readParam,
    )
    .option(
      '--url <url>',
      'where the functions are served (default: PAGETURNER_FUNCTIONS_URL, or those of `pageturner dev`)',
    )
    .option('--idempotency-key <key>', 'a second start with the same key starts nothing', headerText)
    .option('--key <key>', 'refuse the start while a run of the task with this key has not ended')
    .option('--shards <number>', 'into how many ranges the run is parted', wholeNumber(1, 100))
    .option('--delay <seconds>', 'how long it waits before it begins', wholeNumber(0, 2_592_000))
    .option('--at <time>', 'when it begins, such as 2026-12-01T06:00:00Z', instant)
    .option('--repeat <seconds>', 'start again so long after it has completed', wholeNumber(1, 2_592_000))
    .option('--documents-per-second <number>', 'how fast it goes at most, all shards together', documentRate)
    .option('--dry-run', 'run the handlers, do nothing that they ask for, and report it')
    .addHelpText(
      'after',
      '\nThe starter decides which of --key, --shards, --delay, --at, --repeat and --documents-per-second its callers may set\n' +
        '(callersMaySet).\n\n' +
        'Nightly, in 8 shards, one at a time:\n' +
        '  $ pageturner start email-students -p program=gsoc2026 --shards 8 --key nightly --repeat 86400',
    )
    .action(async (task: string, options: Options) => {
      const started = await start(task, options);
      if (options.json) return printJson(started);
      const how = started.existed === true ? 'was started before, with this idempotency key' : 'is started';
      if (started.runId === undefined) return print(`Task ${paint('bold', task)} ${how}: ${started.taskId}.`);
      const kind = started.dryRun === true ? 'Dry run' : 'Run';
      print(`${kind} ${paint('bold', started.runId)} of ${task} ${how}.`);
      return print(`See it with: pageturner runs show ${started.runId}`);
    });
}

async function start(task: string, options: Options): Promise<Started> {
  const place = await findPlace(options);
  const call = {
    task,
    params: { ...options.params, ...options.p },
    idempotencyKey: options.idempotencyKey,
    settings: settingsOf(options),
  };
  if (place.kind === 'local') {
    useLocalTasks(place, await localTasksHost(place));
    return await callStarter({
      ...call,
      functionsUrl: plain(options.url ?? localFunctionsUrl(place)),
      tokens: localTokens,
    });
  }
  useCloud(place);
  const functionsUrl = options.url ?? variable('PAGETURNER_FUNCTIONS_URL');
  if (functionsUrl)
    return await callStarter({ ...call, functionsUrl: plain(functionsUrl), tokens: cloudTokens });
  throw new CliError(
    'usage',
    'Where are the functions served?',
    `Give --url, such as https://us-central1-${place.project}.cloudfunctions.net, or set PAGETURNER_FUNCTIONS_URL.`,
  );
}

/** What the query of the starter's URL is to hold. */
function settingsOf(options: Options): Readonly<Record<string, string>> {
  const { key, shards, delay, at, repeat, documentsPerSecond, dryRun } = options;
  const given = Object.entries({ key, shards, delay, at, repeat, documentsPerSecond, dryRun });
  return Object.fromEntries(
    given.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value ?? 'none')]])),
  );
}

function instant(text: string): string {
  const time = new Date(text);
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(time.getTime()))
    throw new InvalidArgumentError('Write an instant, such as 2026-12-01T06:00:00Z.');
  return time.toISOString();
}

function plain(url: string): string {
  if (URL.canParse(url)) return url.replace(/\/+$/, '');
  throw new CliError('usage', `${url} is not a URL.`, 'Write it in full, such as http://127.0.0.1:8081.');
}

function readParams(text: string): Readonly<Record<string, unknown>> {
  let params: unknown;
  try {
    params = JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`It is not JSON: ${(error as SyntaxError).message}.`);
  }
  if (typeof params === 'object' && params !== null && !Array.isArray(params)) return { ...params };
  throw new InvalidArgumentError('Write a JSON object, such as {"program":"gsoc2026"}.');
}

function readParam(
  text: string,
  before: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const [, key, value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined) throw new InvalidArgumentError('Write it as key=value, such as program=gsoc2026.');
  if (Object.hasOwn(before, key)) throw new InvalidArgumentError(`${key} is given twice.`);
  return { ...before, [key]: jsonOrText(value) };
}

/** It travels in a header. */
function headerText(text: string): string {
  if (/^[ -~]{1,500}$/.test(text)) return text;
  throw new InvalidArgumentError('Write 1 to 500 letters, digits and signs of ASCII.');
}

function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

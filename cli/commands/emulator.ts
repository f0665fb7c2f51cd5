import { Option, type Command } from 'commander';
import { jsonFault } from '../../config/json-fault.ts';
import { configFileName, loadConfig } from '../../config/load.ts';
import type { EmulatorConfig } from '../../config/schema.ts';
import type { Emulator, Snapshot } from '../../emulator/index.ts';
import { newCommand, type CommonOptions } from '../command.ts';
import { duration } from '../duration.ts';
import { CliError } from '../error.ts';
import { readTextFile } from '../files.ts';
import { aborted, interruptible } from '../interrupt.ts';
import { emulatorEnvironment, gcloudEnvironment } from '../local/environment.ts';
import { configEventText, followConfig, type ConfigEvent } from '../local/follow-config.ts';
import { portUses } from '../local/ports.ts';
import { consoleUrl, startTasksEmulator } from '../local/tasks-emulator.ts';
import { paint, print, printJsonLine } from '../output.ts';
import { wholeNumber } from '../whole-number.ts';

interface Options extends CommonOptions {
  readonly port?: number;
  readonly host?: string;
  readonly profile?: 'local' | 'strict';
  readonly publicUrl?: string;
  readonly appEngineUrl?: readonly string[];
  readonly followRedirects?: boolean;
  readonly traceContext?: boolean;
  readonly queues?: readonly string[];
  readonly rewrite?: readonly string[];
  readonly autoCreateQueues?: boolean;
  readonly taskNameReuseAfter?: string;
  readonly queueNameReuseAfter?: string;
  readonly backPressure: boolean;
  readonly errorPressure?: boolean;
  readonly slowStart?: boolean;
  readonly data?: string;
  readonly restore?: string;
  readonly clock?: 'system' | 'virtual';
  readonly seed?: number;
}

export function emulatorCommand(): Command {
  return newCommand('emulator', 'run the Cloud Tasks emulator alone', 'emulator --port 8123')
    .option(
      '--port <number>',
      'port on 127.0.0.1, 0 for any that is free (default: ports.tasks)',
      wholeNumber(0, 65_535),
    )
    .option('--host <address>', 'address to listen at (default: 127.0.0.1, this machine only)')
    .option(
      '--public-url <url>',
      'address under which others reach it: the issuer of its tokens (default: publicUrl, or its own)',
    )
    .addOption(
      new Option(
        '--profile <name>',
        'strict refuses what the real service refuses, local warns of it (default: profile)',
      ).choices(['local', 'strict']),
    )
    .option(
      '--app-engine-url <url...>',
      'where App Engine tasks go: URL, or SERVICE=URL for each service (default: appEngineUrl)',
    )
    .option('--follow-redirects', 'follow redirects of HTTP targets (default: followRedirects)')
    .option(
      '--trace-context',
      'send a traceparent with each attempt, as Cloud Run adds one (default: traceContext)',
    )
    .option(
      '--queues <file...>',
      'queues: of `queues export`, `gcloud tasks queues describe` or Terraform (default: queues, queueFiles)',
    )
    .option(
      '--rewrite <from=to...>',
      'where HTTP tasks go in place of where they say, such as https://my.app=http://localhost:8080 or localhost=host.docker.internal',
    )
    .option('--auto-create-queues', 'make a missing queue when a task is created in it')
    .option(
      '--task-name-reuse-after <seconds>',
      'how long names of tasks stay taken, such as 3600s (default: settings.taskNameReuseAfter)',
      duration,
    )
    .option(
      '--queue-name-reuse-after <seconds>',
      'how long names of deleted queues stay taken (default: settings.queueNameReuseAfter)',
      duration,
    )
    .option(
      '--no-back-pressure',
      'let no queue slow down for 429 and 503 (default: settings.hasBackPressure)',
    )
    .option(
      '--error-pressure',
      'slow queues down whose attempts fail, as strict does (default: settings.hasErrorPressure)',
    )
    .option('--no-error-pressure', 'do not, though the profile is strict')
    .option(
      '--slow-start',
      'let cold queues get up to their rate step by step, as strict does (default: settings.hasSlowStart)',
    )
    .option('--no-slow-start', 'do not, though the profile is strict')
    .option('--data <file>', 'keep queues, tasks and the signing key in this file (default: in memory)')
    .option('--restore <file>', 'begin with what `snapshot save` wrote, in place of what --data holds')
    .addOption(
      new Option('--clock <kind>', 'virtual stands still until a test moves it (default: system)').choices([
        'system',
        'virtual',
      ]),
    )
    .option(
      '--seed <number>',
      'what chance comes from, for task ids and faults (default: random)',
      wholeNumber(0, 4_294_967_295),
    )
    .action((options: Options) =>
      interruptible(async (signal) => {
        await emulate(options, signal);
        tellOfEnd(options);
      }),
    );
}

async function emulate(options: Options, signal: AbortSignal): Promise<void> {
  const config = await withOptions(await loadConfig(options.config), options);
  const use = portUses.tasks(options.port ?? config.ports.tasks);
  const byOption = { ...use, ...(options.port !== undefined && { setting: '--port' }) };
  await using emulator = await startTasksEmulator(config, byOption, {
    ...(options.host !== undefined && { host: options.host }),
    ...(options.data !== undefined && { dataFile: options.data }),
    ...(options.restore !== undefined && { snapshot: await readSnapshot(options.restore) }),
    ...(options.clock !== undefined && { clock: options.clock }),
    ...(options.seed !== undefined && { seed: options.seed }),
    onWarning: ({ message }) => process.stderr.write(`Warning: ${message}\n`),
  });
  const file = options.config ?? configFileName;
  using _ = followConfig({
    emulator,
    config,
    file,
    queueFiles: options.queues ?? [],
    // A file that is gone is a fault now, and no longer the absence of one.
    load: async () => await withOptions(await loadConfig(file), options),
    onEvent: (event) => tellOfConfig(event, options),
  });
  const host = hostAndPort(emulator);
  const env = emulatorEnvironment(config, host);
  const gcloud = gcloudEnvironment(config, host);
  if (options.json) {
    const { url, issuer } = emulator;
    printJsonLine({ event: 'ready', url, console: consoleUrl(url), issuer, env, gcloud });
  } else {
    print(`The Cloud Tasks emulator answers at ${paint('bold', emulator.url)} (gRPC and REST).`);
    print(`Its console is at ${paint('bold', consoleUrl(emulator.url))}.`);
    const names = config.queues.map(({ name }) => name).join(', ') || 'none yet';
    print(`Queues of ${config.project}, ${config.location}: ${names}.`);
    for (const [name, value] of Object.entries({ ...env, ...gcloud })) print(`  export ${name}=${value}`);
    if (options.data !== undefined) print(`Everything is kept in ${options.data}.`);
    print('Ctrl-C ends it.');
  }
  await aborted(signal);
}

/** The last line, once nothing goes on any more. */
function tellOfEnd({ json, data }: Options): void {
  if (json) return printJsonLine({ event: 'ended' });
  return print(
    data === undefined ? 'Ended. Its tasks were in memory, and are gone.' : `Ended. All is in ${data}.`,
  );
}

/** Whether it is one, the emulator says. */
async function readSnapshot(file: string): Promise<Snapshot> {
  const text = await readTextFile(file);
  try {
    return JSON.parse(text) as Snapshot;
  } catch (cause) {
    const { line, column, reason } = jsonFault(text, cause as SyntaxError);
    throw new CliError(
      'config',
      `${file} is no snapshot: line ${line}, column ${column}: ${reason}.`,
      '`pageturner snapshot save FILE` writes one.',
      { cause },
    );
  }
}

/**
 * What clients are told: where they reach it, which is not where it listens if that is everywhere. Told so they speak without TLS; what
 * is public with it, by a proxy, they cannot use.
 */
function hostAndPort({ issuer, url }: Emulator): string {
  const { hostname, port } = new URL(issuer.startsWith('https:') ? url : issuer);
  return `${hostname}:${port || '80'}`;
}

function tellOfConfig(event: ConfigEvent, { json }: Options): void {
  const { kind, ...rest } = event;
  if (json) printJsonLine({ event: kind, ...rest });
  else if (kind === 'refused') process.stderr.write(`${configEventText(event)}\n`);
  else print(configEventText(event));
}

/** The configuration, as the options change it. */
async function withOptions(config: EmulatorConfig, options: Options): Promise<EmulatorConfig> {
  const { profile, publicUrl, appEngineUrl, followRedirects, taskNameReuseAfter, queueNameReuseAfter } =
    options;
  const { errorPressure, slowStart, queues, rewrite = [], autoCreateQueues } = options;
  return {
    ...config,
    ...(queues !== undefined && { queues: await queuesOf(queues) }),
    rewrite: { ...config.rewrite, ...Object.fromEntries(rewrite.map(rewriteOf)) },
    ...(profile !== undefined && { profile }),
    ...(publicUrl !== undefined && { publicUrl }),
    ...(appEngineUrl !== undefined && { appEngineUrl: appEngineUrls(appEngineUrl) }),
    ...(followRedirects !== undefined && { followRedirects }),
    ...(options.traceContext !== undefined && { traceContext: options.traceContext }),
    settings: {
      ...config.settings,
      ...(taskNameReuseAfter !== undefined && { taskNameReuseAfter }),
      ...(queueNameReuseAfter !== undefined && { queueNameReuseAfter }),
      ...(autoCreateQueues !== undefined && { autoCreatesQueues: autoCreateQueues }),
      ...(!options.backPressure && { hasBackPressure: false }),
      ...(errorPressure !== undefined && { hasErrorPressure: errorPressure }),
      ...(slowStart !== undefined && { hasSlowStart: slowStart }),
    },
  };
}

async function queuesOf(files: readonly string[]): Promise<EmulatorConfig['queues']> {
  const { loadQueueFiles } = await import('../../config/queue-files.ts');
  return await loadQueueFiles(files);
}

function rewriteOf(text: string): readonly [string, string] {
  const [, from, to] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (from !== undefined && to !== undefined) return [from, to];
  throw new CliError(
    'usage',
    `--rewrite ${text} has no "=".`,
    'Write FROM=TO, such as https://my.app=http://localhost:8080.',
  );
}

/** `URL` is that of all that has no own one. */
function appEngineUrls(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, service = 'default', url = text] = /^([\w.-]+)=(.*)$/.exec(text) ?? [];
      return [service, url];
    }),
  );
}

import type { Command } from 'commander';
import { newCommand, newGroup, withPlace, type CommonOptions } from '../command.ts';
import { askEmulator } from '../emulator-admin.ts';
import { writeTextFile } from '../files.ts';
import { paint, print, printJson, printPairs, printTable } from '../output.ts';
import type { PlaceOptions } from '../place.ts';
import { withTasks } from '../tasks-client.ts';
import { shortName, viewQueue, type QueueView } from '../tasks-view.ts';

type Options = CommonOptions & PlaceOptions;

export function queuesCommand(): Command {
  const queues = newGroup('queues', 'see and control the queues', 'queues list');
  queues.addCommand(
    withPlace(newCommand('list', 'list the queues', 'queues list')).action(async (options: Options) => {
      const views = await withTasks(options, async ({ client, parent }) => {
        const [found] = await client.listQueues({ parent });
        return found.map(viewQueue);
      });
      if (options.json) return printJson(views);
      return printQueues(views);
    }),
  );
  queues.addCommand(
    withPlace(newCommand('describe', 'show one queue with its settings', 'queues describe iterate'))
      .argument('<queue>', 'the id of a queue')
      .action(async (queue: string, options: Options) => {
        const view = await withTasks(options, async ({ client, queueName }) => {
          const [found] = await client.getQueue({ name: queueName(queue) });
          return viewQueue(found);
        });
        if (options.json) return printJson(view);
        return describeQueue(view);
      }),
  );
  queues.addCommand(
    changeCommand('pause', 'paused', 'stop dispatching the tasks of a queue; adding tasks goes on'),
  );
  queues.addCommand(changeCommand('resume', 'resumed', 'dispatch the tasks of a paused queue again'));
  queues.addCommand(changeCommand('purge', 'purged', 'delete all tasks of a queue; they cannot be had back'));
  queues.addCommand(
    newCommand(
      'export',
      "write the emulator's queues as a file that `emulator --queues` takes",
      'queues export queues.yaml',
    )
      .argument('[file]', 'where to (default: standard output)')
      .action(exportQueues),
  );
  queues.addCommand(
    newCommand(
      'import',
      'write the queues of Google Cloud or Terraform as such a file',
      'queues import terraform.tfstate --output queues.yaml',
    )
      .argument('<files...>', 'what `gcloud tasks queues describe` or `list` printed, or a terraform.tfstate')
      .option('--output <file>', 'where to (default: standard output)')
      .action(importQueues),
  );
  return queues;
}

async function exportQueues(file: string | undefined, options: CommonOptions): Promise<void> {
  const yaml = await askEmulator(options, '/queues:export');
  if (!options.json) return await writeTextFile(file, yaml);
  const { parse } = await import('yaml');
  return await writeTextFile(file, `${JSON.stringify(parse(yaml), null, 2)}\n`);
}

async function importQueues(
  files: readonly string[],
  options: CommonOptions & { output?: string },
): Promise<void> {
  const { loadQueueFiles } = await import('../../config/queue-files.ts');
  const file = { queues: await loadQueueFiles(files) };
  const { stringify } = await import('yaml');
  const text = options.json ? `${JSON.stringify(file, null, 2)}\n` : stringify(file, { lineWidth: 0 });
  return await writeTextFile(options.output, text);
}

function changeCommand(verb: 'pause' | 'resume' | 'purge', done: string, description: string): Command {
  return withPlace(newCommand(verb, description, `queues ${verb} mail`))
    .argument('<queue>', 'the id of a queue')
    .action(async (queue: string, options: Options) => {
      const view = await withTasks(options, async ({ client, queueName }) => {
        const request = { name: queueName(queue) };
        const [changed] = await {
          pause: () => client.pauseQueue(request),
          resume: () => client.resumeQueue(request),
          purge: () => client.purgeQueue(request),
        }[verb]();
        return viewQueue(changed);
      });
      if (options.json) return printJson(view);
      return print(`Queue ${paint('bold', shortName(view.name))} is ${done}: ${view.state}.`);
    });
}

function printQueues(views: readonly QueueView[]): void {
  if (views.length === 0) return print('There is no queue.');
  const head = ['QUEUE', 'STATE', 'RATE', 'BURST', 'CONCURRENT', 'ATTEMPTS', 'BACKOFF'];
  return printTable(
    head,
    views.map(({ name, state, rateLimits, retryConfig }) => [
      shortName(name),
      state,
      `${rateLimits.maxDispatchesPerSecond}/s`,
      String(rateLimits.maxBurstSize),
      String(rateLimits.maxConcurrentDispatches),
      attemptsText(retryConfig.maxAttempts),
      `${retryConfig.minBackoff} to ${retryConfig.maxBackoff}`,
    ]),
  );
}

function describeQueue({ name, state, rateLimits, retryConfig, purgeTime }: QueueView): void {
  const { maxAttempts, maxRetryDuration, minBackoff, maxBackoff, maxDoublings } = retryConfig;
  printPairs([
    ['name', name],
    ['state', state],
    ['dispatches per second', String(rateLimits.maxDispatchesPerSecond)],
    ['burst', String(rateLimits.maxBurstSize)],
    ['concurrent dispatches', String(rateLimits.maxConcurrentDispatches)],
    ['attempts', attemptsText(maxAttempts)],
    ['backoff', `${minBackoff} to ${maxBackoff}, doubled ${maxDoublings} times`],
    ['retried for', maxRetryDuration && maxRetryDuration !== '0s' ? maxRetryDuration : 'no limit'],
    ...(purgeTime ? [['purged', purgeTime] as const] : []),
  ]);
}

function attemptsText(maxAttempts: number): string {
  return maxAttempts === -1 ? 'no limit' : String(maxAttempts);
}

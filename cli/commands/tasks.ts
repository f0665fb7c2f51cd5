import type { Command } from 'commander';
import { newCommand, newGroup, withPlace, type CommonOptions } from '../command.ts';
import { askEmulator } from '../emulator-admin.ts';
import { writeTextFile } from '../files.ts';
import { paint, print, printJson, printPairs, printTable } from '../output.ts';
import type { PlaceOptions } from '../place.ts';
import { withTasks } from '../tasks-client.ts';
import { shortName, viewTask, type AttemptView, type TaskView } from '../tasks-view.ts';
import { wholeNumber } from '../whole-number.ts';

type Options = CommonOptions & PlaceOptions;

export function tasksCommand(): Command {
  const tasks = newGroup('tasks', 'see and control the tasks that wait in a queue', 'tasks list iterate');
  tasks.addCommand(
    withPlace(newCommand('list', 'list the tasks of a queue', 'tasks list iterate'))
      .argument('<queue>', 'the id of a queue')
      .option('--limit <number>', 'how many at most', wholeNumber(1, 1_000), 100)
      .action(listTasks),
  );
  tasks.addCommand(oneTask('describe', 'show one task with its body and attempts').action(describeTask));
  tasks.addCommand(
    oneTask('run', 'dispatch a task now, whatever its schedule and its queue say').action(runTask),
  );
  tasks.addCommand(oneTask('delete', 'remove a task from its queue').action(deleteTask));
  tasks.addCommand(
    newCommand(
      'export',
      "write the emulator's tasks with their bodies and attempts, as JSON, one a line",
      'tasks export mail --output tasks.jsonl',
    )
      .argument('[queue]', 'the id of a queue (default: all queues)')
      .option('--output <file>', 'where to (default: standard output)')
      .action(exportTasks),
  );
  return tasks;
}

async function exportTasks(
  queue: string | undefined,
  options: CommonOptions & { output?: string },
): Promise<void> {
  const query = queue === undefined ? '' : `?${new URLSearchParams({ queue }).toString()}`;
  await writeTextFile(options.output, await askEmulator(options, `/tasks:export${query}`));
}

function oneTask(verb: string, description: string): Command {
  return withPlace(newCommand(verb, description, `tasks ${verb} mail 0123456789`))
    .argument('<queue>', 'the id of its queue')
    .argument('<task>', 'the id of the task');
}

async function listTasks(queue: string, options: Options & { limit: number }): Promise<void> {
  const views = await withTasks(options, async ({ client, queueName }) => {
    const request = { parent: queueName(queue), pageSize: options.limit };
    const [found] = await client.listTasks(request, { autoPaginate: false });
    return found.map(viewTask);
  });
  if (options.json) return printJson(views);
  if (views.length === 0) return print(`Queue ${queue} holds no task.`);
  return printTable(
    ['TASK', 'DUE', 'ATTEMPTS', 'LAST ANSWER', 'TARGET'],
    views.map((view) => [
      shortName(view.name),
      view.scheduleTime,
      String(view.dispatchCount),
      view.lastAttempt?.responseStatus?.message ?? '',
      targetOf(view),
    ]),
  );
}

async function describeTask(queue: string, task: string, options: Options): Promise<void> {
  const view = await withTasks(options, async ({ client, taskName }) => {
    const [found] = await client.getTask({ name: taskName(queue, task), responseView: 'FULL' });
    return viewTask(found);
  });
  if (options.json) return printJson(view);
  const { httpRequest, firstAttempt, lastAttempt } = view;
  return printPairs([
    ['name', view.name],
    ['target', targetOf(view)],
    ...Object.entries(httpRequest?.headers ?? {}).map(([name, value]) => [`  ${name}`, value] as const),
    ...(httpRequest?.body === undefined ? [] : [['body', httpRequest.body] as const]),
    ['created', view.createTime],
    ['due', view.scheduleTime],
    ['attempts', `${view.dispatchCount}, of which ${view.responseCount} got an answer`],
    ...(firstAttempt ? [['first attempt', firstAttempt.dispatchTime] as const] : []),
    ...(lastAttempt ? [['last attempt', attemptText(lastAttempt)] as const] : []),
  ]);
}

async function runTask(queue: string, task: string, options: Options): Promise<void> {
  const view = await withTasks(options, async ({ client, taskName }) => {
    const [dispatched] = await client.runTask({ name: taskName(queue, task) });
    return viewTask(dispatched);
  });
  if (options.json) return printJson(view);
  return print(`Task ${paint('bold', shortName(view.name))} is dispatched: attempt ${view.dispatchCount}.`);
}

async function deleteTask(queue: string, task: string, options: Options): Promise<void> {
  const name = await withTasks(options, async ({ client, taskName }) => {
    await client.deleteTask({ name: taskName(queue, task) });
    return taskName(queue, task);
  });
  if (options.json) return printJson({ name, deleted: true });
  return print(`Task ${paint('bold', shortName(name))} is deleted.`);
}

function targetOf({ httpRequest, appEngineHttpRequest }: TaskView): string {
  if (httpRequest) return `${httpRequest.httpMethod} ${httpRequest.url}`;
  return `${appEngineHttpRequest?.httpMethod} ${appEngineHttpRequest?.relativeUri} (App Engine)`;
}

function attemptText({ dispatchTime, responseStatus }: AttemptView): string {
  return responseStatus ? `${dispatchTime}, ${responseStatus.message}` : `${dispatchTime}, no answer yet`;
}

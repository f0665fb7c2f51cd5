import { expect, test } from 'vitest';
import { TaskHistory } from '../../../emulator/admin/task-history.ts';
import type { EngineEvent } from '../../../emulator/engine/events.ts';
import type { Task } from '../../../emulator/core/model.ts';
import { QUEUE as queue, sampleTask } from '../samples.ts';

const taskOf = (id: string, overrides: Partial<Task> = {}): Task => sampleTask({ id, ...overrides });
const created = (id: string, at: number, overrides?: Partial<Task>): EngineEvent => ({
  kind: 'taskCreated',
  at,
  task: taskOf(id, overrides),
});
const started = (id: string, attempt = 1): EngineEvent => ({
  kind: 'attemptStarted',
  at: 0,
  task: taskOf(id, { dispatchCount: attempt }),
});
const ended = (id: string, attempt = 1): EngineEvent => ({
  kind: 'attemptEnded',
  at: 0,
  attempt,
  task: taskOf(id, { dispatchCount: attempt }),
  result: { kind: 'response', httpStatus: 200 },
  status: { code: 0, message: '' },
  outcome: 'completed',
});

function told(...events: readonly EngineEvent[]): TaskHistory {
  const history = new TaskHistory({ callerTrace: { traceId: undefined } });
  for (const event of events) history.listener(event);
  return history;
}

test('a task is told of with its creation and its end', () => {
  const history = told(created('a', 5), {
    kind: 'taskDeleted',
    at: 9,
    taskName: `${queue}/tasks/a`,
    reason: 'purged',
  });
  expect(history.list()).toEqual([
    { taskName: `${queue}/tasks/a`, queueName: queue, createdAt: 5, leftAt: 9, left: 'purged' },
  ]);
});

test('a task that is created while one attempt is out was created during that; of several nothing is said', () => {
  const history = told(
    created('a', 1),
    started('a', 2),
    created('b', 2),
    started('b'),
    created('c', 3),
    ended('a', 2),
  );
  history.listener(created('d', 4));
  expect(history.list().map(({ createdDuring }) => createdDuring)).toEqual([
    undefined,
    { taskName: `${queue}/tasks/a`, attempt: 2 },
    undefined,
    { taskName: `${queue}/tasks/b`, attempt: 1 },
  ]);
});

test('the trace is that of the traceparent header of the task itself, if it is one', () => {
  const withHeader = (value: string): Partial<Task> => ({
    target: {
      kind: 'http',
      url: 'http://x',
      method: 'POST',
      headers: { TraceParent: value },
      body: new Uint8Array(),
    },
  });
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const history = told(
    created('a', 1, withHeader(`00-${trace}-b7ad6b7169203331-01`)),
    created('b', 1, withHeader('00-none')),
  );
  expect(history.list().map(({ traceId }) => traceId)).toEqual([trace, undefined]);
});

test('a task of a data file is known from its first attempt on', () => {
  const history = told(started('old'));
  expect(history.find(`${queue}/tasks/old`)).toMatchObject({ queueName: queue });
});

test('the newest ten thousand are kept, and a name that is used again means its newest task', () => {
  const history = told(...Array.from({ length: 10_001 }, (_, index) => created(`t${index}`, index)));
  expect(history.list()).toHaveLength(10_000);
  expect(history.find(`${queue}/tasks/t0`)).toBeUndefined();
  history.listener(created('t1', 20_000));
  expect(history.find(`${queue}/tasks/t1`)?.createdAt).toBe(20_000);
  history.listener({ kind: 'restored', at: 0 });
  expect(history.list()).toEqual([]);
});

test('of several attempts that are out, the one whose trace the request names has created the task', () => {
  const callerTrace = { traceId: undefined as string | undefined };
  const trace = (digit: string): string => digit.repeat(32);
  const history = new TaskHistory({
    callerTrace,
    traceparentOf: ({ name }) => `00-${trace(name.endsWith('/a') ? 'a' : 'b')}-${'1'.repeat(16)}-01`,
  });
  for (const event of [started('a'), started('b')]) history.listener(event);
  for (const [id, traceId] of [
    ['of-b', trace('b')],
    ['of-none', undefined],
    ['of-another', trace('c')],
  ] as const) {
    callerTrace.traceId = traceId;
    history.listener(created(id, 1));
  }
  const creatorOf = (id: string): string | undefined =>
    history.find(`${queue}/tasks/${id}`)?.createdDuring?.taskName;
  expect(creatorOf('of-b')).toBe(`${queue}/tasks/b`);
  expect(creatorOf('of-none')).toBeUndefined();
  expect(creatorOf('of-another')).toBeUndefined();
});

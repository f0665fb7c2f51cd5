import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { RunRecords } from '../../lib/core/run.ts';
import {
  cancelRun,
  getRun,
  healRuns,
  iterativeTask,
  resumeRun,
  retryRun,
  type IterativeTask,
} from '../../lib/index.ts';
import { startRun } from '../../lib/start-run.ts';
import { takeDelivery } from '../../lib/take-delivery.ts';
import { memoryPorts } from '../support/memory-ports.ts';
import { begin, takeLast } from '../support/runs.ts';
import type { TestPorts } from '../support/test-runtime.ts';

/** Which version handled which documents. */
let handled: string[];
let completedBy: unknown[];
let ports: TestPorts;
/** The same, with a queue that cannot be reached. */
let cut: TestPorts;

beforeEach(() => {
  handled = [];
  completedBy = [];
  ports = memoryPorts();
  const dead = { enqueue: () => Promise.reject(new Error('died')), has: () => Promise.resolve(false) };
  cut = { ...ports, queue: Object.assign(dead, { tasks: ports.queue.tasks }) as never };
});

type Changes = Pick<IterativeTask, 'version' | 'onPause' | 'onCancel'> & {
  readonly onOtherVersion?: 'pause' | 'fail' | 'continue';
  readonly params?: z.ZodType;
};

function walk(changes: Changes = {}): IterativeTask {
  const version = changes.version ?? 'none';
  return iterativeTask({
    name: 'walk',
    queue: 'iterate',
    params: z.object({}),
    pageSize: 3,
    query: (_, db) => db.collection('things'),
    page: (documents) => void handled.push(`${version}:${documents.map(({ id }) => id).join('')}`),
    onComplete: () => void completedBy.push(version),
    ...changes,
  });
}

const v1 = walk({ version: 1 });
const v2 = walk({ version: 2 });

async function found(): Promise<RunRecords> {
  return (await ports.store.getRun('r')) ?? expect.fail('no run');
}

async function history(): Promise<string[]> {
  return (await found()).run.history.map(({ event, by }) => `${event} by ${by}`);
}

/** Takes what is enqueued until the run has come to a stand or an end. */
async function goOn(task: IterativeTask): Promise<string> {
  for (;;) {
    const outcome = await takeLast(task, ports);
    if (['parked', 'void', 'failed', 'completed'].includes(outcome)) return (await found()).run.state;
  }
}

/** A run of version 1 at a stage, and what the worker is delivered next. */
const stages = {
  'to be prepared': () => startRun(v1, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' }, ports),
  'at its pages': () => begin(v1, ports),
  async 'to be completed'() {
    await begin(v1, ports);
    while ((await takeLast(v1, ports)) !== 'walked');
  },
};

describe.each(Object.entries(stages))('a run %s', (_, reach) => {
  test('is paused by a worker of another version, with the reason, and goes on with it when it is resumed', async () => {
    await reach();
    const before = handled.length;
    expect(await goOn(v2)).toBe('paused');
    const { run } = await found();
    expect(run).toMatchObject({ versions: [1], offeredVersion: 2 });
    expect(run.history.find(({ event }) => event === 'pause')).toMatchObject({
      by: 'worker',
      reason:
        'The worker has version 2 of "walk", and the run has version 1. Resume the run to have version 2 go on with it.',
    });
    expect(handled).toHaveLength(before);
    await resumeRun('r', { by: 'admin@example.com' }, ports);
    expect(await getRun('r', ports.store)).toMatchObject({ versions: [1, 2] });
    expect((await found()).run.offeredVersion).toBeUndefined();
    expect(await goOn(v2)).toBe('completed');
    expect(handled.map((page) => page.slice(2)).join('')).toBe('abcdefgh');
    expect(completedBy).toEqual([2]);
  });

  test('is ended by one whose policy is to fail, with the cause, and goes on with it when it is retried', async () => {
    await reach();
    const failing = walk({ version: 2, onOtherVersion: 'fail' });
    expect(await goOn(failing)).toBe('failed');
    expect((await found()).run.error?.message).toMatch('the run has version 1. Retry the run');
    await retryRun('r', {}, ports);
    expect((await found()).run).toMatchObject({ versions: [1, 2] });
    expect(await goOn(failing)).toBe('completed');
  });

  test('is carried on by one whose policy is to continue, and keeps its version', async () => {
    await reach();
    expect(await goOn(walk({ version: 2, onOtherVersion: 'continue' }))).toBe('completed');
    expect((await found()).run.versions).toEqual([1]);
  });

  test('is paused when its parameters do not fit the schema any more, naming the field and no value', async () => {
    await reach();
    const stricter = walk({ params: z.object({ program: z.string() }) });
    expect(await goOn(stricter)).toBe('paused');
    const { run, shards } = await found();
    expect(run.history.find(({ event }) => event === 'pause')).toMatchObject({
      by: 'worker',
      reason: expect.stringMatching(/program: Invalid input: expected string/),
    });
    expect(run.failures).toBeUndefined();
    expect(shards.map(({ failures }) => failures)).toEqual(shards.map(() => 0));
    await resumeRun('r', {}, ports);
    expect(await goOn(stricter)).toBe('paused');
    await resumeRun('r', {}, ports);
    expect(await goOn(v1)).toBe('completed');
  });

  test('is paused once, though the worker dies before it can enqueue, and each delivery comes twice', async () => {
    await reach();
    const delivery = ports.queue.tasks.at(-1)?.delivery;
    if (delivery === undefined || delivery.kind === 'task') return expect.fail('nothing is enqueued');
    await takeDelivery(v2, delivery, cut).catch(({ message }: Error) => expect(message).toBe('died'));
    await takeDelivery(v2, delivery, ports);
    await takeDelivery(v2, delivery, ports);
    await healRuns({ quietSeconds: 0 }, ports);
    expect((await found()).run.state).toBe('paused');
    expect((await history()).filter((entry) => entry === 'pause by worker')).toHaveLength(1);
  });
});

test('of many shards one worker pauses the run, and the others park', async () => {
  await begin(v1, ports, 4);
  const turns = ports.queue.tasks.flatMap(({ delivery }) => (delivery.kind === 'turn' ? [delivery] : []));
  expect(turns).toHaveLength(4);
  await Promise.all(turns.map((turn) => takeDelivery(v2, turn, ports)));
  expect((await found()).run.state).toBe('paused');
  expect(await history()).toEqual(['prepared by worker', 'pause by worker', 'stopped by worker']);
  expect(handled).toEqual([]);
});

test('a worker of the version before does not stop the run again that a newer one has taken on', async () => {
  await begin(v1, ports);
  expect(await goOn(v2)).toBe('paused');
  await resumeRun('r', {}, ports);
  expect(await takeLast(v2, ports)).toBe('committed');
  expect(await takeLast(v1, ports)).toBe('committed');
  expect(await goOn(v2)).toBe('completed');
  expect(handled).toEqual(['2:abc', '1:def', '2:gh']);
});

test('a run of a new version that an old worker has stopped goes on with both after one resume', async () => {
  await begin(v2, ports);
  expect(await goOn(v1)).toBe('paused');
  await resumeRun('r', {}, ports);
  expect(await goOn(v2)).toBe('completed');
});

test('a version that nobody has let work on the run pauses it, though somebody had paused and resumed it before', async () => {
  await begin(v1, ports);
  expect(await goOn(v2)).toBe('paused');
  await resumeRun('r', {}, ports);
  expect(await goOn(walk({ version: '2' }))).toBe('paused');
  expect((await found()).run).toMatchObject({ versions: [1, 2], offeredVersion: '2' });
});

test('a task without a version takes every run, and one with a version stops a run without', async () => {
  await begin(v1, ports);
  expect(await takeLast(walk(), ports)).toBe('committed');
  expect(await goOn(v1)).toBe('completed');
  ports = memoryPorts();
  await begin(walk(), ports);
  expect(await goOn(v1)).toBe('paused');
});

test('a run that another task starts is paused at its preparation when the parameters do not fit any more', async () => {
  const delivery = { run: 'r', queue: 'iterate', params: { old: 1 }, startedBy: 'x' };
  const strict = walk({ params: z.strictObject({}) });
  expect(await takeDelivery(strict, { kind: 'start', ...delivery }, ports)).toBe('started');
  expect(await goOn(strict)).toBe('paused');
});

test('a schema that throws is a misfit too, and what it says of the value is not kept', async () => {
  await begin(v1, ports);
  const throwing = z.object({}).transform(() => {
    throw new SyntaxError('secret is not JSON');
  });
  expect(await goOn(walk({ params: throwing }))).toBe('paused');
  const text = JSON.stringify([(await found()).run.history, ports.log.entries]);
  expect(text).toContain('its schema threw SyntaxError');
  expect(text).not.toContain('secret');
});

test('onPause is told of a pause that came from misfitting parameters, without the parameters', async () => {
  const told: unknown[] = [];
  const telling = (params: z.ZodType): IterativeTask =>
    walk({
      params,
      onPause: (ctx) => void told.push([ctx.params, ctx.by, ctx.reason]),
      onCancel: (ctx) => void told.push(ctx.params),
    });
  await begin(telling(z.object({})), ports);
  const strict = telling(z.object({ program: z.string() }));
  await goOn(strict);
  expect(await takeLast(strict, ports)).toBe('called');
  expect(told).toEqual([
    [
      undefined,
      'worker',
      expect.stringMatching(/program: .*Resume the run when the worker's schema takes them/),
    ],
  ]);
  expect((await found()).run).toMatchObject({ state: 'paused' });
  expect((await found()).run).not.toHaveProperty('callbackError');
  await resumeRun('r', {}, ports);
  await cancelRun('r', { force: true }, ports);
  expect(await takeLast(telling(z.object({})), ports)).toBe('called');
  expect(told.at(-1)).toEqual({});
});

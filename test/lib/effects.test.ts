import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { iterativeTask, task, type IterativeTask } from '../../lib/index.ts';
import { testFirestore } from '../support/firestore.ts';
import { begin, takeLast } from '../support/runs.ts';
import { testPorts, type TestPorts } from '../support/test-runtime.ts';

let ports: TestPorts;

beforeEach(async () => {
  ports = testPorts(testFirestore());
  for (const id of ['a', 'b']) await ports.store.db.doc(`things/${id}`).set({ id });
});

function walk(handler: Pick<IterativeTask, 'each' | 'onComplete'>): IterativeTask {
  return iterativeTask({
    name: 'walk',
    queue: 'iterate',
    params: z.object({}),
    maxFailures: 1,
    query: (_, db) => db.collection('things'),
    each: handler.each ?? (() => {}),
    ...(handler.onComplete === undefined ? {} : { onComplete: handler.onComplete }),
  });
}

async function cause(): Promise<string | undefined> {
  return (await ports.store.getRun('r'))?.run.error?.message;
}

describe('a write through ctx', () => {
  test.each(['', '/shards/0', '/setAside/x', '/children/x'])(
    'to pageturnerRuns/{its own run}%s is refused, and takes no effect',
    async (below) => {
      const each: IterativeTask['each'] = (_, ctx) =>
        ctx.set(ctx.db.doc(`pageturnerRuns/${ctx.runId}${below}`), { turn: 99 });
      await begin(walk({ each }), ports);
      expect(await takeLast(walk({ each }), ports)).toBe('failed');
      expect(await cause()).toBe(
        `ctx.set was called for pageturnerRuns/r${below}, which Pageturner keeps of this very run. Write to a document of your own, or use pauseRun, cancelRun and the like.`,
      );
      expect((await ports.store.getRun('r'))?.shards).toMatchObject([{ turn: 0 }]);
    },
  );

  test('to its own run is refused in onComplete as well', async () => {
    const completing = walk({
      onComplete: (ctx) => ctx.delete(ctx.db.doc(`pageturnerRuns/${ctx.runId}`)),
    });
    await begin(completing, ports);
    for (let last = ''; last !== 'failed';) last = await takeLast(completing, ports);
    expect(await cause()).toMatch(/^ctx\.delete was called for pageturnerRuns\/r, which/);
  });

  test('to other runs, and to collections of its own below its run, is taken', async () => {
    await ports.store.db.doc('pageturnerRuns/old').set({ state: 'completed' });
    const cleaning = walk({
      each(thing, ctx) {
        ctx.delete(ctx.db.doc('pageturnerRuns/old'));
        ctx.set(ctx.db.doc(`pageturnerRuns/${ctx.runId}/notes/${thing.id}`), { seen: true });
      },
    });
    await begin(cleaning, ports);
    expect(await takeLast(cleaning, ports)).toBe('committed');
    expect((await ports.store.db.doc('pageturnerRuns/old').get()).exists).toBe(false);
    expect((await ports.store.db.doc('pageturnerRuns/r/notes/a').get()).data()).toEqual({ seen: true });
  });

  test.each([undefined, 'things/a', null])(
    'to %j, which is no reference, says what is wanted',
    async (ref) => {
      const each: IterativeTask['each'] = (_, ctx) => ctx.update(ref as never, { seen: true });
      await begin(walk({ each }), ports);
      await takeLast(walk({ each }), ports);
      expect(await cause()).toBe(
        "ctx.update wants a document reference first, such as ctx.db.doc('reports/latest').",
      );
    },
  );
});

test.each([undefined, null, '', ' \n'])(
  'a document set aside with the reason %j is so, without one',
  async (reason) => {
    const each: IterativeTask['each'] = (thing, ctx) => ctx.quarantine(thing, reason as string);
    await begin(walk({ each }), ports);
    await takeLast(walk({ each }), ports);
    const { docs } = await ports.store.db.collection('pageturnerRuns/r/setAside').get();
    expect(docs.map((entry) => entry.get('error.message') as string)).toEqual(
      ['a', 'b'].map(() => 'no reason was given'),
    );
  },
);

test.each(['my_queue', 7])(
  'ctx.start into queue %j, which no queue can be called, is a failure of the document, and nothing is written',
  async (queue) => {
    const child = task({ name: 'child', queue: 'children', params: z.object({}), run: () => {} });
    const each: IterativeTask['each'] = (thing, ctx) => {
      ctx.update(thing.ref, { seen: true });
      ctx.start(child, {}, { queue: queue as string });
    };
    await begin(walk({ each }), ports);
    expect(await takeLast(walk({ each }), ports)).toBe('failed');
    expect(await ports.store.getRun('r')).toMatchObject({
      run: {
        error: {
          message: `ctx.start: queue ${JSON.stringify(queue)}: a queue id has 1 to 100 letters, digits and hyphens.`,
          document: 'things/a',
        },
      },
    });
    expect((await ports.store.db.doc('things/a').get()).data()).toEqual({ id: 'a' });
  },
);

test('ctx.start with parameters that are too large is a failure of the document', async () => {
  const params = z.object({ text: z.string() });
  const child = task({ name: 'child', queue: 'children', params, run: () => {} });
  const each: IterativeTask['each'] = (_, ctx) => ctx.start(child, { text: 'x'.repeat(600_000) });
  await begin(walk({ each }), ports);
  expect(await takeLast(walk({ each }), ports)).toBe('failed');
  expect(await cause()).toMatch(/^The parameters of task "child" have 600011 bytes as JSON, and may have/);
});

test.each([
  [{}, {}, 'ctx.start: {} is no task: give what task({ … }) or iterativeTask({ … }) returned.'],
  [undefined, {}, 'ctx.start: undefined is no task: give'],
  [
    task({ name: 'child', queue: 'children', params: z.object({}), run: () => {} }),
    { dryRun: true },
    'ctx.start: "dryRun", which is not known: write one of queue, delay, at.',
  ],
])('ctx.start of %j with %j says what is wrong', async (child, options: object, message) => {
  const each: IterativeTask['each'] = (_, ctx) => ctx.start(child as never, {}, options);
  await begin(walk({ each }), ports);
  await takeLast(walk({ each }), ports);
  expect(await cause()).toContain(message);
});

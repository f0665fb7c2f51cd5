import { expect, test } from 'vitest';
import { emulatorForTests } from '../../../emulator/vitest.ts';
import { serve } from '../../emulator/web-server.ts';
import { createOn, pages, run, viewOf, type NewTask } from './fixture.ts';

const emulator = await emulatorForTests({
  clock: 'virtual',
  seed: 1,
  queues: [{ name: 'mail' }, { name: 'pages', retryConfig: { maxAttempts: 1 } }],
});
const create = (url: string, task: NewTask): Promise<string> => createOn(emulator, url, task);
const view = (path: string): Promise<unknown> => viewOf(emulator, path);

/** The id of a page's task, as Pageturner derives it. */
const pageId = (shard: number, turn: number, epoch = 0): string =>
  `0123456789abcdef-${run}-${shard}-${turn}-${epoch}`;

test('a run is told as a strand of pages for each shard, with cursors, gaps, repetitions and losses', async () => {
  const target = await serve((response, { body }) =>
    response.writeHead(body.includes('fail') ? 500 : 200).end(),
  );
  const page = (shard: number, turn: number, more: object = {}, epoch = 0): Promise<string> =>
    create(target.url, {
      queue: pages,
      id: pageId(shard, turn, epoch),
      body: { kind: 'turn', turn, ...more },
    });
  await page(0, 0, { cursor: null });
  await page(0, 1, { cursor: ['students/b'] });
  await page(0, 4, { cursor: ['students/e'] });
  await create(target.url, { queue: pages, id: `0123456789abcdef-${run}-0-1-0-child-0` });
  await create(target.url, { queue: pages, id: `0123456789abcdef-${run}-0-finish-0` });
  await page(1, 2);
  await page(1, 2, {}, 1);
  await page(1, 3, { fail: true });
  await emulator.idle();
  expect(await view('chains')).toMatchObject({
    total: 1,
    chains: [
      {
        id: run,
        by: 'name',
        queue: 'pages',
        state: 'broken',
        steps: 7,
        shards: 2,
        children: 1,
        gaps: 1,
        notes: 2,
      },
    ],
  });
  expect(await view(`chain?id=${run}`)).toMatchObject({
    strands: [
      {
        shard: 0,
        gaps: [{ from: 2, to: 3, kind: 'missing' }],
        steps: [
          { label: 'page 0', state: 'completed', place: 'the beginning', children: 0 },
          { label: 'page 1', place: '["students/b"]', children: 1 },
          { label: 'page 4', place: '["students/e"]' },
          { label: 'finish', state: 'completed' },
        ],
      },
      {
        shard: 1,
        gaps: [{ from: 0, to: 1, kind: 'unknown' }],
        steps: [
          { label: 'page 2', epoch: 0, notes: [] },
          { label: 'page 2', epoch: 1, notes: ['enqueued again, in epoch 1'] },
          { label: 'page 3', state: 'exhausted', notes: ['given up after its last attempt'] },
        ],
      },
    ],
  });
  const text = await (await fetch(`${emulator.url}/console/views/chain.txt?id=${run}`)).text();
  expect(text).toContain('  ! pages 2 to 3: missing, though later ones are there\n');
  expect(text).toContain(
    '  page 1: completed, epoch 0, 1 attempt, 2026-01-01T00:00:00.000Z to 2026-01-01T00:00:00.000Z, from ["students/b"], 1 children\n',
  );
});

test('a run goes on while a task of it is left, and has ended once its completion was delivered', async () => {
  const target = await serve();
  const state = async (): Promise<unknown> => ((await view('chains')) as { chains: object[] }).chains;
  await create(target.url, { queue: pages, id: pageId(0, 0), seconds: 60 });
  expect(await state()).toMatchObject([{ state: 'goingOn' }]);
  await emulator.idle();
  expect(await state()).toMatchObject([{ state: 'still' }]);
  await create(target.url, { queue: pages, id: `0123456789abcdef-${run}-complete-0` });
  await emulator.idle();
  expect(await state()).toMatchObject([{ state: 'ended' }]);
});

test('other tasks make a chain where one was created while another was the only one out', async () => {
  const target = await serve((response, { body }) => {
    const { page } = JSON.parse(body) as { page: number };
    const next = page < 2 ? create(target.url, { queue: pages, body: { page: page + 1 } }) : undefined;
    void Promise.resolve(next).then(() => response.end());
  });
  const first = await create(target.url, { queue: pages, id: 'first', body: { page: 0 } });
  await emulator.waitForDeliveries({ queue: 'pages' }, 3);
  await emulator.idle();
  expect(await view('chains')).toMatchObject({
    chains: [{ id: first, by: 'creation', steps: 3, state: 'still' }],
  });
  expect(await view(`chain?id=${encodeURIComponent(first)}`)).toMatchObject({
    strands: [
      {
        steps: [
          { depth: 0, place: '0' },
          { depth: 1, place: '1' },
          { depth: 2, place: '2' },
        ],
      },
    ],
  });
});

test('tasks whose traceparent names the same trace make a chain, and a delivery that came twice is remarked on', async () => {
  const trace = '0af7651916cd43dd8448eb211c80319c';
  const target = await serve();
  emulator.faults.add({ match: { taskName: 'b' }, fault: { kind: 'duplicateDelivery' } });
  for (const [id, span] of [
    ['a', '1'],
    ['b', '2'],
    ['c', '3'],
  ] as const)
    await create(target.url, { id, headers: { traceparent: `00-${trace}-${span.repeat(16)}-01` } });
  await emulator.idle();
  expect(await view(`chain?id=${trace}`)).toMatchObject({
    by: 'trace',
    strands: [
      { steps: [{ label: 'a' }, { label: 'b', notes: ['delivered 2 times with success'] }, { label: 'c' }] },
    ],
  });
});

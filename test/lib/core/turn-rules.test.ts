import { describe, expect, test } from 'vitest';
import type { TurnDelivery } from '../../../lib/core/delivery.ts';
import type { OutboxTask } from '../../../lib/core/outbox.ts';
import { newShard, type Shard } from '../../../lib/core/run.ts';
import { advance, judge } from '../../../lib/core/turn-rules.ts';
import { sampleRun } from '../../support/runs.ts';

const run = sampleRun();
const shard: Shard = { ...newShard(0, 0), turn: 5, epoch: 2 };
const delivery: TurnDelivery = { kind: 'turn', run: 'r', shard: 0, turn: 5, epoch: 2, cursor: null };

describe('a delivered turn', () => {
  test.each([
    ['is taken when it is its time', {}, {}, {}, 'take'],
    ['is replayed when it is the last one that was committed', { turn: 4 }, {}, {}, 'replay'],
    ['is void when a later turn was committed', { turn: 3 }, {}, {}, 'void'],
    ['is void when it is of an older epoch', { epoch: 1 }, {}, {}, 'void'],
    ['comes too early when its turn is ahead of the shard', { turn: 6 }, {}, {}, 'too-early'],
    ['comes too early when its epoch is ahead of the shard', { epoch: 3 }, {}, {}, 'too-early'],
    ['is void when the shard is done', {}, { state: 'done' }, {}, 'void'],
    ['is void when the run has failed', {}, {}, { state: 'failed' }, 'void'],
    ['parks its shard when the run is to stand still', {}, {}, { state: 'pausing' }, 'park'],
    ['takes its turn no more when the run is completing', {}, {}, { state: 'completing' }, 'void'],
    [
      'that parked its shard and comes again has the run hear of it',
      { epoch: 1 },
      { state: 'parked' },
      { state: 'canceling' },
      'parked',
    ],
    [
      'of a shard that is parked already has the run hear of it, and parks nothing again',
      {},
      { state: 'parked' },
      { state: 'pausing' },
      'parked',
    ],
    [
      'is void when its chain was restarted before the run was to stand still',
      { epoch: 1 },
      {},
      { state: 'pausing' },
      'void',
    ],
    [
      'is still replayed when the shard is done, for its outbox',
      { turn: 4 },
      { state: 'done' },
      {},
      'replay',
    ],
  ] as const)('%s', (_, changedDelivery, changedShard, changedRun, verdict) => {
    const judged = judge(
      { ...run, ...changedRun },
      { ...shard, ...changedShard },
      { ...delivery, ...changedDelivery },
    );
    expect(judged.kind).toBe(verdict);
  });
});

describe('a turn', () => {
  const child: OutboxTask = {
    id: 'c',
    queue: 'mail',
    worker: 'send-mail',
    delivery: { kind: 'task', id: 'c', params: {}, repeat: 0 },
    timeoutSeconds: 60,
  };
  const end = { path: 'students/9', values: ['x'], readable: ['x', 'students/9'] };
  const page = {
    documents: 10,
    quarantined: 0,
    takenBack: 0,
    isLast: false,
    end,
    children: [],
    pageSize: undefined,
    at: 7,
  };

  test('moves the cursor and enqueues its children first, the next turn last', () => {
    const failing: Shard = {
      ...shard,
      failures: 2,
      blamed: { document: 'students/5', failures: 2 },
      pageSize: 3,
      heldUntil: 9,
      lastError: { message: 'm', at: 0 },
    };
    const after = advance(run, failing, { ...page, children: [child] });
    expect(after).toMatchObject({
      state: 'running',
      turn: 6,
      cursor: end,
      processed: 10,
      pages: 1,
      started: 1,
      failures: 0,
      updatedAt: 7,
    });
    for (const gone of ['lastError', 'pageSize', 'heldUntil', 'blamed'])
      expect(after).not.toHaveProperty(gone);
    expect(after.outbox).toEqual([
      child,
      expect.objectContaining({
        delivery: { ...delivery, turn: 6, cursor: ['x', 'students/9'], expected: {} },
      }),
    ]);
  });

  test('that is the last ends the shard and asks for completion', () => {
    const after = advance(run, shard, { ...page, documents: 3, isLast: true });
    expect(after.state).toBe('done');
    expect(after.outbox.map((task) => task.delivery)).toEqual([
      { kind: 'finish', run: 'r', shard: 0, epoch: 2 },
    ]);
  });

  test('with no document keeps the cursor and counts no page', () => {
    const before = { ...shard, cursor: end, pages: 4 };
    const after = advance(run, before, { ...page, documents: 0, isLast: true, end: null });
    expect(after).toMatchObject({ cursor: end, pages: 4, state: 'done' });
  });

  test('that was cut short by a failure keeps it, and blames the document that stands first now', () => {
    const record = { message: 'm', document: 'students/8', at: 7 };
    const blamed = { document: 'students/8', failures: 1 };
    const cut = { ...page, quarantined: 4, pageSize: 5, failure: { record, blamed } };
    const after = advance(run, { ...shard, failures: 2, quarantined: 1 }, cut);
    expect(after).toMatchObject({
      processed: 6,
      quarantined: 5,
      failures: 1,
      blamed,
      pageSize: 5,
      lastError: record,
    });
    const blameless = { ...cut, failure: { record, blamed: undefined } };
    expect(advance(run, shard, blameless)).toMatchObject({ failures: 0, lastError: record });
  });
  test('of documents that were set aside counts those down that are so no more', () => {
    const aside: Shard = { ...shard, source: 'set-aside', processed: 0 };
    const after = advance(run, aside, { ...page, documents: 3, quarantined: 1, takenBack: 4 });
    expect(after).toMatchObject({ processed: 2, quarantined: -3 });
  });
});

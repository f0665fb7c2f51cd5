import { describe, expect, test } from 'vitest';
import type { Cursor } from '../../../lib/core/cursor.ts';
import type { TurnDelivery } from '../../../lib/core/delivery.ts';
import { expectedRequest, isSameRequest, placeOf, requestOf } from '../../../lib/core/page-request.ts';
import type { Json } from '../../../lib/core/parameters.ts';
import { newShard, type Shard } from '../../../lib/core/run.ts';
import { sampleRun } from '../../support/runs.ts';

const run = { ...sampleRun(), boundaries: ['things/m'] };
const frozen = { params: run.params, boundaries: run.boundaries };

function shardAt(cursor: Cursor | null, more: Partial<Shard> = {}): Shard {
  return { ...newShard(1, 0), turn: 5, cursor, ...more };
}

function cursorOf(values: readonly unknown[], path = 'things/p'): Cursor {
  return { path, values, readable: [...(values as Json[]), path] };
}

/** What a shard's own task says, once it was JSON. */
function deliveryOf(shard: Shard): TurnDelivery {
  const { index, turn, epoch } = shard;
  const delivery = { kind: 'turn', run: run.id, shard: index, turn, epoch, ...placeOf(shard) } as const;
  return JSON.parse(JSON.stringify(delivery)) as TurnDelivery;
}

describe('a page can be asked for by its delivery alone', () => {
  test.each([
    ['at the beginning', shardAt(null)],
    ['in the order of names', shardAt(cursorOf([]))],
    ['in the order of texts, numbers and nothing', shardAt(cursorOf(['x', -1.5, null, true]))],
    ['with a size of its own', shardAt(cursorOf([]), { pageSize: 7 })],
  ])('%s', (_, shard) => {
    const expected = expectedRequest(frozen, deliveryOf(shard), 100);
    const asked = requestOf(run, shard, shard.pageSize ?? 100);
    expect(expected).toEqual(asked);
    expect(expected !== undefined && isSameRequest(expected, asked)).toBe(true);
  });
});

describe('a page is not asked for ahead', () => {
  test.each([
    [
      'where JSON would lose a part of its position',
      shardAt({ path: 'a/b', values: [new Date(0)], readable: ['1970', 'a/b'] }),
    ],
    ['where the position is too large for a task', shardAt(cursorOf(['x'.repeat(20_000)]))],
    ['where it is one of documents set aside', shardAt(null, { source: 'set-aside' })],
  ])('%s', (_, shard) => {
    const delivery = deliveryOf(shard);
    expect(delivery).not.toHaveProperty('expected');
    expect(JSON.stringify(delivery).length).toBeLessThan(11_000);
    expect(expectedRequest(frozen, delivery, 100)).toBeUndefined();
  });

  test('where the run has no such shard', () => {
    expect(expectedRequest({ ...frozen, boundaries: [] }, deliveryOf(shardAt(null)), 100)).toBeUndefined();
  });

  test('where the delivered cursor is not one', () => {
    const delivery = { ...deliveryOf(shardAt(null)), cursor: { x: 1 } };
    expect(expectedRequest(frozen, delivery, 100)).toBeUndefined();
  });
});

test.each([
  ['parameters', { params: '{"other":true}' }],
  ['range', { range: { from: 'things/m', before: 'things/z' } }],
  ['range from another beginning', { range: { from: null, before: null } }],
  ['limit', { limit: 99 }],
  ['path', { after: cursorOf(['x'], 'things/q') }],
  ['values', { after: cursorOf(['y']) }],
  ['number of values', { after: cursorOf(['x', 'x']) }],
  ['beginning', { after: null }],
])('a page that was asked for with another %s is not the one', (_, change) => {
  const request = requestOf(run, shardAt(cursorOf(['x'])), 100);
  expect(isSameRequest({ ...request, ...change }, request)).toBe(false);
  expect(isSameRequest(request, { ...request, ...change })).toBe(false);
});

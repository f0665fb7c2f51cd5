import { describe, expect, test } from 'vitest';
import { blame, countsFor } from '../../../lib/core/blame.ts';

const a = { ref: { path: 'things/a' } };
const b = { ref: { path: 'things/b' } };
const shard = { failures: 3, quarantined: 7, blamed: { document: 'things/a', failures: 2 } };

describe('failures of a document', () => {
  test('are its own, whatever else failed', () => {
    expect(countsFor(shard, [a])).toEqual({ failures: 3, quarantined: 7, inARow: 2 });
    expect(countsFor(shard, [b])).toEqual({ failures: 3, quarantined: 7, inARow: 0 });
  });

  test('are not known where several were tried, or none', () => {
    for (const documents of [[a, b], []]) expect(countsFor(shard, documents).inARow).toBe(0);
  });

  test('grow by one with each, and begin with another document', () => {
    expect(blame(shard, a)).toEqual({ document: 'things/a', failures: 3 });
    expect(blame(shard, b)).toEqual({ document: 'things/b', failures: 1 });
    expect(blame({ failures: 0, quarantined: 0 }, b)).toEqual({ document: 'things/b', failures: 1 });
  });
});

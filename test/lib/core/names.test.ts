import fc from 'fast-check';
import { expect, test } from 'vitest';
import { derivedRunId, derivedTaskId, isRunId } from '../../../lib/core/names.ts';

const part = fc.oneof(fc.string({ maxLength: 40 }), fc.nat());

test('the same place gets the same id, and the id is one that Cloud Tasks takes', () => {
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 30 }), (parts) => {
      const id = derivedTaskId(...parts);
      expect(derivedTaskId(...parts)).toBe(id);
      expect(id).toMatch(/^[A-Za-z0-9_-]{1,500}$/);
    }),
  );
});

test('places that read alike have different ids', () => {
  expect(derivedTaskId('a-b', 'c')).not.toBe(derivedTaskId('a', 'b-c'));
  expect(derivedTaskId('run', 1, 2)).not.toBe(derivedTaskId('run', '1', 2));
});

test('ids of following turns begin differently, so that they spread over the service', () => {
  const starts = new Set(
    Array.from({ length: 100 }, (_, turn) => derivedTaskId('run', 0, turn, 0).slice(0, 4)),
  );
  expect(starts.size).toBeGreaterThan(90);
});

test('what Firestore takes for no id of a document is the id of no run', () => {
  for (const id of ['', '.', '..', '__x__', 'a/b', 'x'.repeat(501)]) expect(isRunId(id), id).toBe(false);
  for (const id of ['r', 'a.b', '__x', '...', 'лист', derivedRunId('walk', 'key')])
    expect(isRunId(id), id).toBe(true);
});

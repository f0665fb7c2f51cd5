import { Firestore } from '@google-cloud/firestore';
import { expect, test } from 'vitest';
import type { Write } from '../../../lib/core/write.ts';
import { mustFit } from '../../../lib/firestore/commit-size.ts';

const db = new Firestore({ projectId: 'p' });

function setting(data: object, count = 1): Write[] {
  return Array.from({ length: count }, (_, n) => ({ kind: 'set', ref: db.doc(`things/${n}`), data }));
}

test('many small writes are counted with their names and the keys of their fields', () => {
  expect(() => mustFit(setting({ quiteALongNameOfAField: 1 }, 40_000))).not.toThrow();
  expect(() => mustFit(setting({ quiteALongNameOfAField: 1 }, 80_000))).toThrow(
    '80000 writes are asked for, which are more than the 4 MiB that a commit may have.',
  );
});

test('a value that holds itself many times is no endless count', () => {
  const self: Record<string, unknown> = {};
  for (const key of 'abcdefgh') self[key] = self;
  expect(() => mustFit(setting(self))).toThrow('4 MiB');
});

import {
  FieldPath,
  FieldValue,
  Firestore,
  GeoPoint,
  Timestamp,
  type DocumentData,
  type DocumentReference,
  type UpdateData,
  type WriteBatch,
} from '@google-cloud/firestore';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Write } from '../../../lib/core/write.ts';
import { wireSize } from '../../../lib/firestore/wire-size.ts';
import { wireBytes } from '../../support/wire-bytes.ts';

const db = new Firestore({ projectId: 'a-project' });
const plenty = 100 * 1024 * 1024;

/** What it counts for a write, and what the client makes of it, without what a request has besides writes. */
function sizes(write: Write): { counted: number; real: number } {
  const batch = db.batch();
  add(batch, write);
  return { counted: wireSize(write, plenty), real: wireBytes(db, batch) - wireBytes(db, db.batch()) };
}

function add(batch: WriteBatch, write: Write): WriteBatch {
  switch (write.kind) {
    case 'set':
      return write.options === undefined
        ? batch.set(write.ref, write.data)
        : batch.set(write.ref, write.data, write.options);
    case 'update':
      return batch.update(write.ref, write.data);
    case 'create':
      return batch.create(write.ref, write.data);
    case 'delete':
      return batch.delete(write.ref);
  }
}

const text = fc.string({ unit: 'binary', maxLength: 200 });
const key = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/),
  fc.constantFrom('größe', '名前', 'a-b', 'it`s', '\\'),
);
const { value } = fc.letrec<{ value: unknown; plain: unknown }>((tie) => ({
  plain: fc.oneof(
    text,
    fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 300 }),
    fc.constant(db.doc('schools/s/students/äöü')),
  ),
  value: fc.oneof(
    { depthSize: 'medium' },
    tie('plain'),
    fc.array(tie('plain'), { maxLength: 30 }),
    fc.dictionary(key, tie('value'), { maxKeys: 20 }),
  ),
}));
const data = fc.dictionary(key, value) as fc.Arbitrary<DocumentData>;
const id = fc.oneof(fc.stringMatching(/^[a-z0-9]{1,20}$/), fc.constantFrom('ü'.repeat(300), '文書'));
const ref = id.map((one): DocumentReference => db.doc(`things/${one}`));

test('what is set, created or deleted is counted to the byte, whatever plain data it has', () => {
  const write = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), ref, data }),
    fc.record({ kind: fc.constant('create' as const), ref, data }),
    fc.record({ kind: fc.constant('delete' as const), ref }),
  );
  fc.assert(
    fc.property(write, (one) => {
      const { counted, real } = sizes(one);
      expect(counted).toBe(real);
    }),
    { numRuns: 200 },
  );
});

const computed = fc.oneof(
  fc.constantFrom(
    FieldValue.serverTimestamp(),
    FieldValue.increment(-5),
    FieldValue.vector([1, 2.5, -3]),
    Timestamp.fromMillis(-1),
    new Date(),
    new GeoPoint(1, 2),
    2n ** 60n,
  ),
  fc.array(text, { minLength: 1 }).map((all) => FieldValue.arrayUnion(...all)),
  fc.array(text, { minLength: 1 }).map((all) => FieldValue.arrayRemove(...all)),
);
const mixed = fc.dictionary(
  key,
  fc.oneof(value, computed, fc.dictionary(key, fc.oneof(value, computed), { maxKeys: 5 })),
  { minKeys: 1 },
) as fc.Arbitrary<DocumentData>;
const path = fc.array(fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/), { minLength: 1, maxLength: 6 });

test('what is merged, updated or computed by the server is never counted for less than it is, and for little more', () => {
  const write = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), ref, data: mixed }),
    fc.record({ kind: fc.constant('create' as const), ref, data: mixed }),
    fc.record({ kind: fc.constant('set' as const), ref, data: mixed, options: fc.constant({ merge: true }) }),
    fc.record({ kind: fc.constant('set' as const), ref, data: mixed }).map((set) => ({
      ...set,
      options: { mergeFields: Object.keys(set.data).map((field) => new FieldPath(field)) },
    })),
    fc.record({ kind: fc.constant('update' as const), ref, data: updateOf(fc.oneof(value, computed)) }),
  );
  fc.assert(
    fc.property(write, (one) => {
      const { counted, real } = sizes(one);
      expect(counted).toBeGreaterThanOrEqual(real);
      expect(counted).toBeLessThanOrEqual(8 * real);
    }),
    { numRuns: 300 },
  );
});

/** Fields by their paths, none of them within another. */
function updateOf(values: fc.Arbitrary<unknown>): fc.Arbitrary<UpdateData<DocumentData>> {
  return fc
    .array(fc.tuple(path, values), { minLength: 1, maxLength: 10 })
    .map((all) =>
      Object.fromEntries(all.map(([steps, one], place) => [[`p${place}`, ...steps].join('.'), one])),
    );
}

test('a converter is asked for what it makes of its data', () => {
  const long = { toFirestore: () => ({ text: 'x'.repeat(10_000) }), fromFirestore: () => ({}) };
  const { counted, real } = sizes({ kind: 'set', ref: db.doc('things/a').withConverter(long), data: {} });
  expect(counted).toBe(real);
});

test('maps at the depth that Firestore takes are counted to the byte', () => {
  let deep: DocumentData = { leaf: 'x'.repeat(500) };
  for (let depth = 0; depth < 18; depth += 1) deep = { [`level${depth}`.repeat(10)]: deep };
  const { counted, real } = sizes({ kind: 'set', ref: db.doc('things/a'), data: deep });
  expect(counted).toBe(real);
});

test('what is no document is left for the client to refuse', () => {
  for (const data of [undefined, null, 'text', new Date()])
    expect(wireSize({ kind: 'set', ref: db.doc('things/a'), data: data as never }, plenty)).toBe(0);
});

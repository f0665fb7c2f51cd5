import { expect, test } from 'vitest';
import { mostSuchDocuments } from '../../../lib/firestore/page-memory.ts';
import { testFirestore } from '../../support/firestore.ts';

const mebibyte = 1024 * 1024;

// Fails when the client does not have its values any more where they are looked for.
test.each([
  ['texts', { text: 'x'.repeat(mebibyte / 4) }, 127],
  ['bytes', { bytes: new Uint8Array(mebibyte / 4) }, 127],
  ['numbers', { numbers: Array.from({ length: 5_000 }, (_, n) => n) }, 55],
  ['maps', { map: Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`k${n}`, { n }])) }, 279],
])('as many documents with %s make a page as fit into its memory', async (_, data, expected) => {
  const db = testFirestore();
  for (const id of ['a', 'b']) await db.doc(`things/${id}`).set(data);
  const converted = db.collection('things').withConverter({
    toFirestore: () => ({}),
    fromFirestore: () => expect.fail('the converter was called'),
  });
  const { docs } = await converted.get();
  expect(mostSuchDocuments(docs, 64 * mebibyte)).toBe(expected);
});

test('documents of which nothing is known, or that have no fields, bound nothing', async () => {
  const db = testFirestore();
  await db.doc('things/empty').set({});
  expect(mostSuchDocuments((await db.collection('things').get()).docs)).toBeUndefined();
  expect(mostSuchDocuments([{} as never])).toBeUndefined();
  expect(mostSuchDocuments([])).toBeUndefined();
});

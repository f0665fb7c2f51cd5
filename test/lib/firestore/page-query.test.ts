import { FieldPath, Filter, GeoPoint, Timestamp, type Firestore, type Query } from '@google-cloud/firestore';
import { describe, expect, test } from 'vitest';
import type { Cursor } from '../../../lib/core/cursor.ts';
import { PageQuery } from '../../../lib/firestore/page-query.ts';
import { testFirestore } from '../../support/firestore.ts';

/** Walks the query in pages, keeping nothing between them but the cursor. */
async function walk(build: () => Query, limit: number): Promise<string[]> {
  const seen: string[] = [];
  let cursor: Cursor | null = null;
  for (;;) {
    const query = new PageQuery(build());
    const { docs } = await query.page(cursor, limit).get();
    seen.push(...docs.map((document) => document.ref.path));
    const last = docs.at(-1);
    if (last === undefined || docs.length < limit) return seen;
    cursor = query.cursorOf(last);
  }
}

async function pathsOf(query: Query): Promise<string[]> {
  return (await query.get()).docs.map((document) => document.ref.path);
}

async function write(
  db: Firestore,
  documents: Readonly<Record<string, Record<string, unknown>>>,
): Promise<void> {
  const batch = db.batch();
  for (const [path, data] of Object.entries(documents)) batch.set(db.doc(path), data);
  await batch.commit();
}

describe('pages together are the query, each document once and in its order', () => {
  const values = [
    3,
    1,
    2,
    2,
    2,
    Number.NaN,
    null,
    'b',
    'a',
    true,
    new Timestamp(5, 123_456_000),
    [1, [2]].flat(),
    { x: 1 },
  ];
  const more = [
    new GeoPoint(1, 2),
    Buffer.from('bytes'),
    -0.5,
    Timestamp.fromMillis(0),
    Number.POSITIVE_INFINITY,
  ];

  test.each([
    ['by document name', (db: Firestore) => db.collection('things')],
    ['by a field with ties and mixed types', (db: Firestore) => db.collection('things').orderBy('v')],
    ['descending', (db: Firestore) => db.collection('things').orderBy('v', 'desc')],
    ['by two fields', (db: Firestore) => db.collection('things').orderBy('group').orderBy('v', 'desc')],
    [
      'by a field path with a dot',
      (db: Firestore) => db.collection('things').orderBy(new FieldPath('odd.name', 'a`b')),
    ],
    ['with a filter', (db: Firestore) => db.collection('things').where('group', '==', 1)],
    [
      'with an inequality, whose order is implied',
      (db: Firestore) => db.collection('things').where('n', '>', 3),
    ],
    [
      'with inequalities on two fields',
      (db: Firestore) => db.collection('things').where('n', '>', 1).where('group', '<', 2),
    ],
    [
      'with an or',
      (db: Firestore) =>
        db.collection('things').where(Filter.or(Filter.where('n', '<', 4), Filter.where('group', '==', 2))),
    ],
    ['with a projection', (db: Firestore) => db.collection('things').orderBy('n').select('n')],
  ])('%s', async (_, build) => {
    const db = testFirestore();
    const documents = [...values, ...more].map((v, n) => [
      `things/d${(n * 7) % 31}`,
      { v, n, group: n % 3, 'odd.name': { 'a`b': n % 4 } },
    ]);
    await write(db, Object.fromEntries(documents) as Record<string, Record<string, unknown>>);
    const whole = await pathsOf(build(db));
    expect(whole.length).toBeGreaterThan(4);
    for (const limit of [1, 3, 100]) expect(await walk(() => build(db), limit)).toEqual(whole);
  });

  test('of a collection group, where ids repeat under different parents', async () => {
    const db = testFirestore();
    const documents = Object.fromEntries(
      ['a', 'b', 'c'].flatMap((parent) =>
        ['1', '2', '3'].map((id) => [`orgs/${parent}/members/${id}`, { rank: 1 }]),
      ),
    );
    await write(db, documents);
    const all = Object.keys(documents);
    expect(await walk(() => db.collectionGroup('members'), 2)).toEqual(all);
    expect(await walk(() => db.collectionGroup('members').where('rank', '==', 1), 2)).toEqual(all);
  });
});

test('a page starts behind a document that was deleted since', async () => {
  const db = testFirestore();
  await write(db, { 'things/a': { n: 1 }, 'things/b': { n: 1 }, 'things/c': { n: 1 } });
  const query = new PageQuery(db.collection('things').orderBy('n'));
  const { docs } = await query.page(null, 2).get();
  const cursor = query.cursorOf(docs[1] ?? expect.fail('no second document'));
  await db.doc('things/b').delete();
  expect(await pathsOf(query.page(cursor, 2))).toEqual(['things/c']);
  expect(cursor.readable).toEqual([1, 'things/b']);
});

test.each([
  ['limit()', (db: Firestore) => db.collection('things').limit(3)],
  ['offset()', (db: Firestore) => db.collection('things').offset(3)],
  ['startAt() or startAfter()', (db: Firestore) => db.collection('things').orderBy('n').startAfter(1)],
  ['endAt() or endBefore()', (db: Firestore) => db.collection('things').orderBy('n').endBefore(1)],
])('a query with %s is refused with a mend', (method, build) => {
  expect(() => new PageQuery(build(testFirestore()))).toThrow(`query() returned a query with ${method}`);
});

test('a projection without the ordered field is refused with a mend', async () => {
  const db = testFirestore();
  await write(db, { 'things/a': { n: 1, m: 2 } });
  const query = new PageQuery(db.collection('things').orderBy('n').select('m'));
  const { docs } = await query.page(null, 1).get();
  expect(() => query.cursorOf(docs[0] ?? expect.fail('no document'))).toThrow('came without its field n');
});

test('an integer that this client rounds is refused as a cursor', async () => {
  const db = testFirestore();
  await write(db, { 'things/a': { n: 2 ** 60 } });
  const query = new PageQuery(db.collection('things').orderBy('n'));
  const { docs } = await query.page(null, 1).get();
  expect(() => query.cursorOf(docs[0] ?? expect.fail('no document'))).toThrow('an integer beyond 2^53');
});

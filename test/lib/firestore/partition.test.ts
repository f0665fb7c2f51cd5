import { FieldPath, type Firestore, type Query } from '@google-cloud/firestore';
import { describe, expect, test } from 'vitest';
import { rangesBetween, type KeyRange } from '../../../lib/core/key-range.ts';
import type { Drawing } from '../../../lib/core/drawing.ts';
import type { Cursor } from '../../../lib/core/cursor.ts';
import { PageQuery } from '../../../lib/firestore/page-query.ts';
import { partition } from '../../../lib/firestore/partition.ts';
import { SeededRandom } from '../../../emulator/engine/random.ts';
import { drawn } from '../../support/drawn.ts';
import { testFirestore } from '../../support/firestore.ts';

const documents = 90;
const parts = 3;
const random = new SeededRandom(7);
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const randomId = (): string =>
  Array.from({ length: 20 }, () => letters[Math.floor(random.next() * letters.length)]).join('');

const distributions: Readonly<Record<string, (n: number) => string>> = {
  'random ids': randomId,
  'zero-padded numbers': (n) => String(n).padStart(12, '0'),
  'numbers without padding': String,
  'a few prefixes': (n) => `${['customer', 'order', 'x'][n % 3]}-${n}`,
  'one huge prefix': (n) => `${'the-same-beginning-'.repeat(10)}${n}`,
  'nearly all under one letter': (n) => (n < 3 ? `${n}` : `m${randomId()}`),
  'letters beyond ASCII': (n) => `${['é', '\uff5e', '😀'][n % 3]}${n}`,
};

describe('boundaries in a collection', () => {
  test.each(Object.entries(distributions))(
    'of %s part it evenly, each document in one part',
    async (_, idOf) => {
      const db = testFirestore();
      await seed(
        db,
        Array.from({ length: documents }, (__, n) => `things/${idOf(n)}`),
      );
      const { boundaries, reads } = await draw(db.collection('things'), parts);
      const walked = await walkAll(db.collection('things'), boundaries);
      expect(
        walked.map(({ length }) => length).every((size) => Math.abs(size - documents / parts) <= 4),
      ).toBe(true);
      await expectOnce(db.collection('things'), walked);
      expect(reads).toBeLessThanOrEqual(100);
    },
  );

  test('of a filtered query count what the filter lets through', async () => {
    const db = testFirestore();
    const paths = Array.from({ length: 120 }, (_, n) => `things/${String(n).padStart(4, '0')}`);
    await seed(db, paths, (path) => ({ isWanted: path > 'things/0060' }));
    const query = db.collection('things').where('isWanted', '==', true);
    const { boundaries } = await draw(query, 2);
    const sizes = (await walkAll(query, boundaries)).map(({ length }) => length);
    expect(Math.abs((sizes[0] ?? 0) - (sizes[1] ?? 0))).toBeLessThanOrEqual(4);
  });

  test('are fewer where there are too few documents, and none where there is none', async () => {
    const db = testFirestore();
    expect((await draw(db.collection('things'), 8)).boundaries).toEqual([]);
    await seed(db, ['things/a', 'things/b']);
    const { boundaries } = await draw(db.collection('things'), 8);
    await expectOnce(db.collection('things'), await walkAll(db.collection('things'), boundaries));
    expect(boundaries.length).toBeLessThanOrEqual(1);
  });
});

test('documents exactly on, just before and just after a boundary are walked once, under several parents', async () => {
  const db = testFirestore();
  const parents = ['wholes/a', 'wholes/b', 'wholes/b0', 'others/a'];
  const ids = ['k', 'l', 'l\u0001', 'l0', 'm'];
  await seed(
    db,
    parents.flatMap((parent) => ids.map((id) => `${parent}/parts/${id}`)),
  );
  const query = db.collectionGroup('parts');
  const boundaries = [
    'others/a/parts/l',
    'wholes/a/parts/l0',
    'wholes/b',
    'wholes/b/parts/l\u0001',
    'wholes/b0/parts/m',
  ];
  const walked = await walkAll(query, boundaries);
  expect(walked.map((paths) => paths[0])).toEqual([
    'others/a/parts/k',
    'others/a/parts/l',
    'wholes/a/parts/l0',
    'wholes/b/parts/k',
    'wholes/b/parts/l\u0001',
    'wholes/b0/parts/m',
  ]);
  await expectOnce(query, walked);
});

test('a collection group is parted across its parents', async () => {
  const db = testFirestore();
  await seed(
    db,
    Array.from({ length: documents }, (_, n) => `wholes/w${n % 7}/parts/${n}`),
  );
  const query = db.collectionGroup('parts');
  const { boundaries } = await draw(query, parts);
  const walked = await walkAll(query, boundaries);
  await expectOnce(query, walked);
  expect(walked.every(({ length }) => Math.abs(length - documents / parts) <= 4)).toBe(true);
});

test.each<readonly [string, (things: Query) => Query]>([
  ['an order by a field', (things) => things.orderBy('n')],
  ['a filter that orders by its field', (things) => things.where('n', '>', 3)],
  ['the order of names downwards', (things) => things.orderBy(FieldPath.documentId(), 'desc')],
])('%s is refused with the reason', async (_, change) => {
  const query = change(testFirestore().collection('things'));
  await expect(draw(query, 2)).rejects.toThrow('shards are ranges of document names');
});

test('the drawing goes on from any point that it told of, as if nothing had been', async () => {
  const db = testFirestore();
  await seed(
    db,
    Array.from({ length: documents }, () => `things/${randomId()}`),
  );
  const told: Drawing[] = [];
  await drawn(async (soFar) => {
    const drawing = await partition(db.collection('things'), 5, soFar);
    told.push(drawing);
    return drawing;
  });
  const complete = told.at(-1);
  expect(complete?.search).toBeUndefined();
  expect(complete?.boundaries).toHaveLength(4);
  for (const soFar of told.filter((_, step) => step % 5 === 0)) {
    // As it comes back from the run that keeps it.
    const kept = structuredClone(soFar);
    expect(await draw(db.collection('things'), 5, kept)).toEqual(complete);
  }
});

async function draw(query: Query, into: number, from?: Drawing): Promise<Drawing> {
  return await drawn(async (soFar) => await partition(query, into, soFar), from);
}

async function seed(
  db: Firestore,
  paths: readonly string[],
  dataOf: (path: string) => object = () => ({}),
): Promise<void> {
  const batch = db.batch();
  for (const path of paths) batch.set(db.doc(path), dataOf(path));
  await batch.commit();
}

/** The paths of each range, walked in pages. */
async function walkAll(query: Query, boundaries: readonly string[]): Promise<string[][]> {
  return await Promise.all(rangesBetween(boundaries).map(async (range) => await walkRange(query, range)));
}

async function walkRange(query: Query, range: KeyRange): Promise<string[]> {
  const walk = new PageQuery(query);
  const paths: string[] = [];
  for (let after: Cursor | null = null; ;) {
    const { docs } = await walk.page(after, 50, range).get();
    const last = docs.at(-1);
    if (last === undefined) return paths;
    paths.push(...docs.map(({ ref }) => ref.path));
    after = walk.cursorOf(last);
  }
}

async function expectOnce(query: Query, walked: readonly string[][]): Promise<void> {
  const { docs } = await query.get();
  expect(walked.flat().toSorted()).toEqual(docs.map(({ ref }) => ref.path).toSorted());
}

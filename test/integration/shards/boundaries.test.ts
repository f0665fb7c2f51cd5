import { FieldValue } from '@google-cloud/firestore';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { iterativeTask } from '../../../lib/index.ts';
import { testFirestore } from '../../support/firestore.ts';
import { begin, takeAll, takeLast } from '../../support/runs.ts';
import { testPorts } from '../../support/test-runtime.ts';

const walk = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({}),
  query: (_, db) => db.collectionGroup('parts'),
  pageSize: 3,
  each: ({ ref }, ctx) => ctx.update(ref, { visits: FieldValue.increment(1) }),
});

test(
  'documents on each boundary, just before it and just behind it are each taken once, under several parents and with equal ids',
  { timeout: 300_000 },
  async () => {
    const db = testFirestore();
    const ports = testPorts(db);
    const put = async (paths: readonly string[]): Promise<void> => {
      const batch = db.batch();
      for (const path of paths) batch.set(db.doc(path), { visits: 0 });
      await batch.commit();
    };
    const ids = ['1', '10', '2', 'a', 'é', '😀'];
    const parents = ['wholes/a', 'wholes/b', 'wholes/b/parts/a', 'others/a'];
    await put(parents.flatMap((parent) => ids.map((id) => `${parent}/parts/${id}`)));

    await begin(walk, ports, 5);
    // On a busy machine the search for the boundaries goes on in another task.
    const boundariesOf = async (): Promise<string[]> => {
      const found = (await db.doc('pageturnerRuns/r').get()).get('boundaries') as string[] | undefined;
      if (found !== undefined) return found;
      await takeLast(walk, ports);
      return await boundariesOf();
    };
    const boundaries = await boundariesOf();
    expect(boundaries).toHaveLength(4);
    await put(boundaries.flatMap((boundary) => [justBefore(boundary), boundary, `${boundary}\u0001`]));
    // Namesakes of each boundary under every parent, which an order of bare ids would take for the boundary itself.
    await put(boundaries.flatMap((boundary) => parents.map((parent) => `${parent}/parts/${idOf(boundary)}`)));
    const [gone = expect.fail('no boundary')] = boundaries;
    await db.doc(gone).delete();
    await takeAll(walk, ports);

    const run = await db.doc('pageturnerRuns/r').get();
    const { docs } = await db.collectionGroup('parts').get();
    expect(docs.filter((document) => document.get('visits') !== 1).map(({ ref }) => ref.path)).toEqual([]);
    const paths = docs.map(({ ref }) => ref.path);
    expect(paths).toEqual(expect.arrayContaining(boundaries.slice(1)));
    expect(paths).not.toContain(gone);
    expect(run.data()).toMatchObject({ state: 'completed', processed: docs.length });
  },
);

function idOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Hardly any path lies between this one and the given one. */
function justBefore(path: string): string {
  const last = Array.from(path).at(-1) ?? '';
  const below = String.fromCodePoint((last.codePointAt(0) ?? 0) - 1);
  return `${path.slice(0, -last.length)}${below}\u{10ffff}`;
}

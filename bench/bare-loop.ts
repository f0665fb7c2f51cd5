import { FieldPath, FieldValue, type Firestore, type Timestamp } from '@google-cloud/firestore';

export interface LoopOptions {
  readonly collection: string;
  readonly pageSize: number;
  /** Called after each commit, as a chain enqueues its next task. */
  readonly enqueue?: (page: number) => Promise<unknown>;
}

export interface LoopTimes {
  readonly totalMs: number;
  /** From the end of each page's work to the start of the next one's. */
  readonly gapsMs: readonly number[];
}

/**
 * What a walk comes to without a queue: in one process, the same reads (a run and a shard, then the page) and the same writes (the
 * page's, and the shard as it was read) for each page, and those of a start and an end.
 */
export async function bareLoop(db: Firestore, options: LoopOptions): Promise<LoopTimes> {
  const { collection, pageSize, enqueue } = options;
  const startedAt = performance.now();
  const gapsMs: number[] = [];
  let endedAt: number | undefined;
  const run = db.collection('bareRuns').doc();
  const shard = run.collection('shards').doc('0');
  const query = db.collection(collection).orderBy(FieldPath.documentId()).limit(pageSize);
  const start = db.batch();
  start.create(run, { state: 'running', params: JSON.stringify({ collection }) });
  start.create(shard, { state: 'running', turn: 0, last: null, processed: 0 });
  await start.commit();
  for (let isDone = false; !isDone;) {
    const [, found] = await db.getAll(run, shard);
    const last = found?.get('last') as string | null;
    const { docs } = await (last === null ? query : query.startAfter(last)).get();
    if (endedAt !== undefined && docs.length > 0) gapsMs.push(performance.now() - endedAt);
    isDone = docs.length < pageSize;
    const batch = db.batch();
    for (const document of docs) batch.update(document.ref, { visits: FieldValue.increment(1) });
    endedAt = performance.now();
    const after = {
      state: isDone ? 'done' : 'running',
      turn: (found?.get('turn') as number) + 1,
      last: docs.at(-1)?.id ?? last,
      processed: (found?.get('processed') as number) + docs.length,
    };
    batch.update(shard, after, { lastUpdateTime: found?.updateTime as Timestamp });
    await batch.commit();
    await enqueue?.(after.turn);
  }
  const [before] = await db.getAll(run, shard);
  await run.update({ state: 'completed' }, { lastUpdateTime: before?.updateTime as Timestamp });
  return { totalMs: performance.now() - startedAt, gapsMs };
}

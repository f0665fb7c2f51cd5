import type { DocumentSnapshot, Firestore, Timestamp, WriteBatch } from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import { keyIsHeld, noSuchRun, type Run, type RunChange, type RunRecords } from '../core/run.ts';
import { hasEnded } from '../core/run-state.ts';
import type { Write } from '../core/write.ts';
import { mustFit } from './commit-size.ts';
import { keyDocument, runDocument, shardDocument } from './documents.ts';
import { plainly, readRun, within, type FoundRun, type Reader } from './read-run.ts';
import { runToDocument, shardToDocument } from './records.ts';
import { add, codeOf, isRefusal, replacing } from './writes.ts';

/** How often a change is tried without locks before it waits its turn: the shards of a run may move faster than it is read. */
const triesWithoutLocks = 3;

type Change = (found: RunRecords) => RunChange | undefined;

/**
 * Changes a run by what stands in it and in its shards, as a transaction would, but without locks: it reads, and commits under the
 * precondition that all it relies on is as it was read. So a process that dies in between leaves nothing behind for which the others would
 * have to wait; a server holds the locks of a transaction that was abandoned for a minute and more. Only a change that others keep
 * forestalling is made in a transaction.
 *
 * @throws PageturnerError `too-large` for what no server would take, which is not sent.
 */
export async function changeRun(
  db: Firestore,
  runId: string,
  change: Change,
  writes: readonly Write[],
): Promise<RunChange | undefined> {
  let refused: { readonly found: FoundRun; readonly error: unknown } | undefined;
  for (let tries = 0; tries < triesWithoutLocks; tries += 1) {
    const found = await read(db, runId, plainly);
    const next = change(found.records);
    if (next === undefined) return undefined;
    const takesKey = await mustBeFree(db, found.records.run, next, plainly);
    // The error of a refused commit does not say whose fault it was. If all is as it was read, it lies with one of the user's own
    // writes (a `create` of what exists, an `update` of what does not), and is theirs to hear of.
    if (refused !== undefined && isSame(refused.found, found)) throw refused.error;
    const batch = db.batch();
    fill({ batch, db, found, next, takesKey, writes });
    try {
      await batch.commit();
      return next;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refused = codeOf(error) === status.ABORTED ? undefined : { found, error };
    }
  }
  return await db.runTransaction(async (transaction) => {
    const inside = within(transaction);
    const found = await read(db, runId, inside);
    const next = change(found.records);
    if (next === undefined) return undefined;
    const takesKey = await mustBeFree(db, found.records.run, next, inside);
    // It has the methods of a batch, and returns itself alike.
    fill({ batch: transaction as unknown as WriteBatch, db, found, next, takesKey, writes });
    return next;
  });
}

async function read(db: Firestore, runId: string, reader: Reader): Promise<FoundRun> {
  const found = await readRun(db, runId, reader);
  if (found === undefined) throw noSuchRun(runId);
  return found;
}

function isSame(a: FoundRun, b: FoundRun): boolean {
  const marks = ({ run, shards }: FoundRun): string =>
    JSON.stringify([run, ...shards].map(({ updateTime }) => updateTime));
  return marks(a) === marks(b);
}

/** Whether a run that is taken up again takes its key again, which nobody else must hold. */
async function mustBeFree(
  db: Firestore,
  before: Run,
  { run: after = before }: RunChange,
  reader: Reader,
): Promise<boolean> {
  if (after.key === undefined || !hasEnded(before.state) || hasEnded(after.state)) return false;
  const held = await reader.document(keyDocument(db, after));
  if (held.exists) throw keyIsHeld(after, String(held.get('run')));
  return true;
}

interface Commit {
  readonly batch: WriteBatch;
  readonly db: Firestore;
  readonly found: FoundRun;
  readonly next: RunChange;
  readonly takesKey: boolean;
  readonly writes: readonly Write[];
}

function fill({ batch, writes, ...change }: Commit): void {
  const own = ownWrites(change);
  mustFit(writes, own);
  for (const { lastUpdateTime, ...write } of own)
    if (write.kind !== 'update' || lastUpdateTime === undefined) add(batch, write);
    else batch.update(write.ref, write.data, { lastUpdateTime });
  for (const write of writes) add(batch, write);
}

/** A write of a record of the run, which of an update says when the record was last written. */
type OwnWrite = Write & { readonly lastUpdateTime?: Timestamp | undefined };

function ownWrites({ db, found, next, takesKey }: Omit<Commit, 'batch' | 'writes'>): readonly OwnWrite[] {
  const { run: before, shards: shardsBefore } = found.records;
  const own: OwnWrite[] = [];
  if (next.run === undefined) own.push(asItWasRead(found.run));
  else {
    const { ref, updateTime: lastUpdateTime } = found.run;
    own.push({
      kind: 'update',
      ref,
      data: replacing(before, next.run, runToDocument(next.run)),
      lastUpdateTime,
    });
    if (takesKey) own.push({ kind: 'create', ref: keyDocument(db, next.run), data: keyRecord(next.run) });
    own.push(...passingKey(db, before, next));
  }
  if (next.follower !== undefined)
    own.push({ kind: 'create', ref: runDocument(db, next.follower.id), data: runToDocument(next.follower) });
  const written = new Set<string>();
  for (const shard of next.shards ?? []) {
    const place = shardsBefore.findIndex(({ index }) => index === shard.index);
    const [snapshot, old] = [found.shards[place], shardsBefore[place]];
    const data = shardToDocument(shard);
    written.add(String(shard.index));
    if (snapshot === undefined || old === undefined)
      own.push({ kind: 'create', ref: shardDocument(db, before.id, shard.index), data });
    else {
      const { ref, updateTime: lastUpdateTime } = snapshot;
      own.push({ kind: 'update', ref, data: replacing(old, shard, data), lastUpdateTime });
    }
  }
  if (next.reliesOn !== 'written')
    own.push(...found.shards.filter((shard) => !written.has(shard.id)).map(asItWasRead));
  return own;
}

/** A precondition is of a write: of one that changes nothing, not even the document's update time, so that it is in nobody's way. */
function asItWasRead(snapshot: DocumentSnapshot): OwnWrite {
  const { ref, updateTime: lastUpdateTime } = snapshot;
  return { kind: 'update', ref, data: { state: snapshot.get('state') as string }, lastUpdateTime };
}

/** A run that ends lets its key go, to the run that follows it if there is one. */
function passingKey(
  db: Firestore,
  before: Run,
  { run: after = before, follower }: RunChange,
): readonly OwnWrite[] {
  if (after.key === undefined || hasEnded(before.state) || !hasEnded(after.state)) return [];
  const ref = keyDocument(db, after);
  return [follower === undefined ? { kind: 'delete', ref } : { kind: 'set', ref, data: keyRecord(follower) }];
}

function keyRecord({ id, task, key }: Run): { run: string; task: string; key: string | undefined } {
  return { run: id, task, key };
}

import type { DocumentData } from '@google-cloud/firestore';
import type { PageContext } from './core/context.ts';
import type { IterativeTask } from './core/definition.ts';
import type { TurnDelivery } from './core/delivery.ts';
import { errorRecord, FatalTaskError, PageturnerError } from './core/errors.ts';
import { derivedTaskId } from './core/names.ts';
import { parseParameters } from './core/parameters.ts';
import type { Run, Shard } from './core/run.ts';
import { advance, judge, mustBelongTo } from './core/turn-rules.ts';
import { withDeadline } from './deadline.ts';
import { drain } from './drain.ts';
import { Effects } from './effects.ts';
import type { Log, Page, Ports, Versioned } from './ports.ts';

/** How a delivery ended; each of these is an answer of 2xx. */
export type TurnOutcome = 'committed' | 'replayed' | 'void' | 'failed';

interface TurnState {
  readonly run: Versioned<Run>;
  readonly shard: Versioned<Shard>;
}

/**
 * Takes one turn: reads, calls the handler, commits once, enqueues. Whatever happens in between, and however often a delivery comes,
 * the page takes effect once and all that it started is enqueued.
 *
 * @throws PageturnerError `too-early`, and what the handler, the database or the queue throws: the delivery must come again.
 */
export async function takeTurn(
  task: IterativeTask,
  delivery: TurnDelivery,
  ports: Ports,
): Promise<TurnOutcome> {
  const { store, queue, log } = ports;
  const where = { task: task.name, run: delivery.run, shard: delivery.shard, turn: delivery.turn };
  for (;;) {
    const found = await store.readTurn(delivery.run, delivery.shard);
    if (found === undefined) {
      log.write('WARNING', 'A turn of an unknown run was dropped', where);
      return 'void';
    }
    mustBelongTo(task, found.run.value);
    const verdict = judge(found.run.value, found.shard.value, delivery);
    switch (verdict.kind) {
      case 'void':
        log.write('INFO', `A turn was dropped: ${verdict.reason}`, where);
        return 'void';
      case 'too-early':
        throw new PageturnerError(
          'too-early',
          `Turn ${delivery.turn} of run ${delivery.run} is not due yet.`,
        );
      case 'replay':
        await drain(found.shard.value.outbox, queue);
        return 'replayed';
      case 'take': {
        compareCursors(delivery, found.shard.value, log);
        const outcome = await take(task, found, ports);
        // Another delivery of this turn was quicker: what is left to do stands in the shard now.
        if (outcome !== 'conflict') return outcome;
      }
    }
  }
}

async function take(task: IterativeTask, found: TurnState, ports: Ports): Promise<TurnOutcome | 'conflict'> {
  let after: Shard;
  try {
    const effects = new Effects(placeOf(found), () => ports.clock.now());
    const page = await handlePage(task, found, effects, ports);
    after = advance(
      found.run.value,
      found.shard.value,
      {
        documents: page.documents.length,
        isLast: page.documents.length < task.pageSize,
        end: page.end,
        children: effects.children,
        at: ports.clock.now(),
      },
      task,
    );
    const result = await ports.store.commitTurn(found.run.value.id, found.shard, after, effects.writes);
    if (result === 'conflict') return 'conflict';
  } catch (error) {
    return await pageFailed(error, found, ports);
  }
  await drain(after.outbox, ports.queue);
  return 'committed';
}

/** Reads the page and has the user's code handle it. An empty page, which ends a chain, is nobody's to handle. */
async function handlePage(
  task: IterativeTask,
  found: TurnState,
  effects: Effects,
  ports: Ports,
): Promise<Page<DocumentData>> {
  const { store, clock } = ports;
  const run = found.run.value;
  const shard = found.shard.value;
  const params: unknown = parseParameters(task.name, task.params, JSON.parse(run.params));
  const page = await store.readPage(task.query(params, store.db), shard.cursor, task.pageSize);
  if (page.documents.length === 0) return page;
  await withDeadline(task.timeoutSeconds, clock, async (deadline) => {
    const context: PageContext<unknown> = {
      ...effects.context(store.db, deadline),
      params,
      runId: run.id,
      idempotencyKey: derivedTaskId(run.id, shard.index, shard.turn),
    };
    if (task.page !== undefined) await task.page(page.documents, context);
    else for (const document of page.documents) await task.each?.(document, context);
  }).finally(() => effects.close());
  return page;
}

function placeOf(found: TurnState): readonly (string | number)[] {
  const { index, turn, epoch } = found.shard.value;
  return [found.run.value.id, index, turn, epoch];
}

async function pageFailed(error: unknown, found: TurnState, ports: Ports): Promise<'failed' | 'conflict'> {
  const { store, clock, log } = ports;
  const run = found.run.value;
  const shard = found.shard.value;
  const where = { task: run.task, run: run.id, shard: shard.index, turn: shard.turn };
  const record = errorRecord(error, clock.now());
  if (error instanceof FatalTaskError) {
    const after = {
      run: { ...run, state: 'failed' as const, endedAt: record.at, error: record },
      shard: { ...shard, state: 'failed' as const, updatedAt: record.at, lastError: record },
    };
    if ((await store.commitRunAndShard(found, after)) === 'conflict') return 'conflict';
    log.write('ERROR', `The run failed for good: ${record.message}`, where);
    return 'failed';
  }
  // For people who look at the run. If it cannot be kept, the error itself still has the delivery come again.
  await store
    .commitTurn(run.id, found.shard, { ...shard, updatedAt: record.at, lastError: record }, [])
    .catch(() => 'conflict');
  throw error;
}

/** The shard's cursor decides. The delivered one is for people; if it differs, somebody wrote a task or a shard by hand. */
function compareCursors(delivery: TurnDelivery, shard: Shard, log: Log): void {
  const { run, shard: index, turn } = delivery;
  const stored = shard.cursor?.readable ?? null;
  if (JSON.stringify(delivery.cursor) === JSON.stringify(stored)) return;
  log.write('ERROR', "The delivered cursor is not the shard's; the shard's decides", {
    run,
    shard: index,
    turn,
  });
}

import { FieldValue, type DocumentData, type Firestore } from '@google-cloud/firestore';
import { expect } from 'vitest';
import { z } from 'zod';
import type { IterativeTask } from '../../lib/core/definition.ts';
import type { TurnDelivery } from '../../lib/core/delivery.ts';
import type { OutboxTask } from '../../lib/core/outbox.ts';
import type { Attempt } from '../../lib/ports.ts';
import { getRun, task, type IterativeTaskDefinition, type OneShotTask } from '../../lib/index.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { attempt } from '../support/attempts.ts';
import { testFirestore } from '../support/firestore.ts';
import { HeldClock } from '../support/memory-ports.ts';
import { begin } from '../support/runs.ts';
import { testPorts, type TestPorts } from '../support/test-runtime.ts';

type ChildParams = z.ZodObject<{ id: z.ZodString }>;

export const child: OneShotTask<ChildParams> = task({
  name: 'child',
  queue: 'children',
  params: z.object({ id: z.string() }),
  run: () => {},
});
type NoParams = z.ZodDefault<z.ZodObject>;

export const base: Pick<
  IterativeTaskDefinition<NoParams, DocumentData>,
  'name' | 'queue' | 'params' | 'query'
> = {
  name: 'walk',
  queue: 'iterate',
  params: z.object({}).default({}),
  query: (_: unknown, db: Firestore) => db.collection('things'),
};
export const lastAttempt: Attempt = attempt(1, { isLast: async () => true });

export type Page = NonNullable<IterativeTask['page']>;
export type Each = NonNullable<IterativeTask['each']>;

/** The database and the ports of the running test. */
export let db: Firestore;
export let ports: TestPorts;

/** For a test with a clock or a queue of its own. */
export function usePorts(changes: Partial<TestPorts>): void {
  ports = { ...ports, ...changes };
}

/** Before each test, eight documents `things/a` to `things/h` in a database of its own. */
export async function putThings(): Promise<void> {
  db = testFirestore();
  ports = testPorts(db);
  const batch = db.batch();
  for (const id of 'abcdefgh') batch.set(db.doc(`things/${id}`), { visits: 0 });
  await batch.commit();
}

export async function start(walk: IterativeTask): Promise<void> {
  await begin(walk, ports);
}

/** Has the running test's time stand until it is moved on. */
export function holdClock(): HeldClock {
  const clock = new HeldClock();
  usePorts({ clock });
  return clock;
}

/** What was enqueued last. */
export function lastTask(): OutboxTask {
  return ports.queue.tasks.at(-1) ?? expect.fail('nothing is enqueued');
}

/** The instant until which the run waits, in ms; undefined where it does not. */
export async function waitsUntil(): Promise<number | undefined> {
  return (await getRun('r', ports.store))?.waitsUntil?.getTime();
}

/** The turn that was enqueued last. */
export function nextTurn(): TurnDelivery {
  const turns = ports.queue.tasks.flatMap(({ delivery }) => (delivery.kind === 'turn' ? [delivery] : []));
  return turns.at(-1) ?? expect.fail('no turn was enqueued');
}

/** Delivers turns, each again when it fails, until the run is over or its shard is done. Gives how each delivery ended. */
export async function walkOut(walk: IterativeTask, most = 60): Promise<string[]> {
  const outcomes: string[] = [];
  while (outcomes.length < most) {
    outcomes.push(await takeTurn(walk, nextTurn(), ports).catch(({ message }: Error) => message));
    const { run, shard } = await found();
    if (run['state'] !== 'running' || shard['state'] !== 'running') return outcomes;
  }
  return outcomes;
}

export async function found(): Promise<{ run: Record<string, unknown>; shard: Record<string, unknown> }> {
  const [run, shard] = await db.getAll(db.doc('pageturnerRuns/r'), db.doc('pageturnerRuns/r/shards/0'));
  return { run: run?.data() ?? {}, shard: shard?.data() ?? {} };
}

export async function visits(): Promise<string> {
  const { docs } = await db.collection('things').get();
  return docs.map((document) => `${document.id}${document.get('visits') as number}`).join(' ');
}

export async function setAside(): Promise<unknown[]> {
  const { docs } = await db.collection('pageturnerRuns/r/setAside').orderBy('path').get();
  return docs.map((document) => document.data());
}

export const visit: Each = (document, ctx) => {
  ctx.update(document.ref, { visits: FieldValue.increment(1) });
  ctx.start(child, { id: document.id });
};

export function children(): string[] {
  return ports.queue.tasks.flatMap(({ delivery }) =>
    delivery.kind === 'task' ? [(delivery.params as { id: string }).id] : [],
  );
}

/** Fails at some documents, after it has asked for their effects. */
export function failingAt(
  ids: string,
  error: () => unknown = () => new Error('poison'),
): { page: Page; each: Each } {
  const each: Each = (document, ctx) => {
    void visit(document, ctx);
    if (ids.includes(document.id)) throw error();
  };
  return {
    each,
    page(documents, ctx) {
      for (const document of documents) void each(document, ctx);
    },
  };
}

export const allVisitedOnce = 'a1 b1 c1 d1 e1 f1 g1 h1';

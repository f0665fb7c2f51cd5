import { FieldValue } from '@google-cloud/firestore';
import { z } from 'zod';
import {
  FatalTaskError,
  iterativeTask,
  repeatTask,
  task,
  type IterativeTask,
  type OneShotTask,
} from '../../../lib/index.ts';
import type { AnyTask } from '../../../lib/core/definition.ts';
import type { HandlerContext, WritesContext } from '../../../lib/core/context.ts';

const queue = 'all';

/** Says that it was started. */
export const tell: OneShotTask<z.ZodObject<{ what: z.ZodString }>> = task({
  name: 'tell',
  queue,
  params: z.object({ what: z.string() }),
  run: async ({ what }, ctx) => void (await ctx.db.doc(`told/${what}`).set({})),
});

/** Counts, in the commit that it belongs to, how often an event took effect, and starts a task for it. */
function note(ctx: HandlerContext & WritesContext, what: string): void {
  ctx.set(ctx.db.doc(`notes/${what}`), { times: FieldValue.increment(1) }, { merge: true });
  ctx.start(tell, { what });
}

/** A child that ends well ten minutes after it began. */
const reminder = task({
  name: 'reminder',
  queue,
  params: z.object({ id: z.string() }),
  async run({ id }, ctx) {
    const reminded = ctx.db.doc(`reminded/${id}`);
    const first = (await reminded.get()).get('key') as unknown;
    if (first !== undefined && first !== ctx.idempotencyKey) return undefined;
    await reminded.set({ key: ctx.idempotencyKey });
    return repeatTask({ after: 600 });
  },
});

/** A child run that fails. */
const failing = iterativeTask({
  name: 'failing',
  queue,
  params: z.object({}),
  query: (_, db) => db.collection('things'),
  countTotal: false,
  page() {
    throw new FatalTaskError('not today');
  },
  onError: (ctx) => note(ctx, `failed: ${ctx.error.message}`),
});

/** Waits for its children, tells of all that happens to it, and is followed by another run. */
export const walk: IterativeTask = iterativeTask({
  name: 'walk',
  queue,
  params: z.object({}),
  query: (_, db) => db.collection('things'),
  waitForChildren: true,
  repeat: { after: 20 * 24 * 3600 },
  state: { schema: z.number(), initial: 0, reduce: (a, b) => a + b },
  each(thing, ctx) {
    ctx.state += 1;
    ctx.update(thing.ref, { visits: FieldValue.increment(1) });
    if (thing.id === 'a') ctx.start(reminder, { id: ctx.runId });
    else ctx.start(failing, {});
  },
  onStart: (ctx) => note(ctx, `started: ${ctx.total}`),
  onPause: (ctx) => note(ctx, `paused: ${ctx.reason}`),
  onCancel: (ctx) => note(ctx, `canceled: ${ctx.reason}`),
  onComplete: (ctx) => note(ctx, `completed: ${ctx.state} documents, ${ctx.failedChildren} failed`),
});

export const tasks: readonly AnyTask[] = [tell, reminder, failing, walk] as readonly AnyTask[];

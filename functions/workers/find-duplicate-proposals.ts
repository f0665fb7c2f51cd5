import { z } from 'zod';
import { iterativeTask, type IterativeTask } from '../../lib/index.ts';
import { duplicatesReport, type Duplicate } from '../model/duplicates-report.ts';
import { proposals, type Proposal } from '../model/proposal.ts';

/** The organizations that are to accept a student, by the student. */
type AcceptedBy = Record<string, string[]>;

type Params = z.ZodObject<{ program: z.ZodString }, z.core.$strict>;

/**
 * Finds the students of a program whom several organizations are to accept, and reports them. Two proposals of one student may lie in
 * different shards: each shard carries on what it has seen, and only all of them together tell. (A program accepts some thousand
 * students at most, so that this stays far below the 256 KiB that a shard may carry.)
 */
export const findDuplicateProposals: IterativeTask<Params, Proposal, AcceptedBy> = iterativeTask({
  name: 'find-duplicate-proposals',
  queue: 'iterate',
  params: z.strictObject({
    program: z.string().regex(/^[\w-]+$/, 'give the id of a program, such as gsoc2026'),
  }),
  query: ({ program }, db) => proposals(db).where('program', '==', program).where('state', '==', 'accepted'),
  shards: 4,
  state: { schema: z.record(z.string(), z.array(z.string())), initial: {}, reduce: together },
  each(proposal, ctx) {
    const { student, organization } = proposal.data();
    (ctx.state[student] ??= []).push(organization);
  },
  onStart(ctx) {
    ctx.set(duplicatesReport(ctx.db, ctx.params.program), { state: 'searching', run: ctx.runId });
  },
  onComplete(ctx) {
    ctx.set(duplicatesReport(ctx.db, ctx.params.program), {
      state: 'found',
      run: ctx.runId,
      proposals: ctx.processed,
      duplicates: duplicatesIn(ctx.state),
      at: new Date(),
    });
  },
  onError(ctx) {
    // Without parameters nobody knows whose report it is.
    if (ctx.params === undefined) return;
    const report = { state: 'failed', run: ctx.runId, reason: ctx.error.message } as const;
    ctx.set(duplicatesReport(ctx.db, ctx.params.program), report);
  },
});

function together(a: AcceptedBy, b: AcceptedBy): AcceptedBy {
  const all = { ...a };
  for (const [student, organizations] of Object.entries(b)) {
    all[student] = [...(all[student] ?? []), ...organizations];
  }
  return all;
}

function duplicatesIn(state: AcceptedBy): Duplicate[] {
  return Object.entries(state)
    .map(([student, organizations]) => ({ student, organizations: [...new Set(organizations)].toSorted() }))
    .filter(({ organizations }) => organizations.length > 1)
    .toSorted((a, b) => (a.student < b.student ? -1 : 1));
}

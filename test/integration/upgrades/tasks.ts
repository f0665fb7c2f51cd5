import { FieldValue } from '@google-cloud/firestore';
import { z } from 'zod';
import { iterativeTask, type IterativeTask } from '../../../lib/index.ts';

/** What a deployment has: its version, and what its schema says of a parameter that version 1 did not know. */
export interface Deployment {
  readonly version: number;
  readonly grade: z.ZodType;
}

export const deployments: Readonly<Record<'first' | 'second' | 'mended', Deployment>> = {
  first: { version: 1, grade: z.string().optional() },
  /** Runs of the first one do not have what it wants. */
  second: { version: 2, grade: z.string() },
  mended: { version: 2, grade: z.string().default('none') },
};

const policies = ['continue', 'pause', 'fail'] as const;

/** A walk for each policy, and one without a version whose parameters change, each in a queue of its own name. */
export function tasksOf({ version, grade }: Deployment): readonly IterativeTask[] {
  return [
    ...policies.map((policy) => walk(policy, version, z.object({}), { version, onOtherVersion: policy })),
    walk('parameters', version, z.object({ grade }), {}),
  ];
}

function walk(
  name: string,
  version: number,
  params: z.ZodType,
  policy: Pick<IterativeTask, 'version' | 'onOtherVersion'>,
): IterativeTask {
  return iterativeTask({
    name,
    queue: name,
    params,
    pageSize: 2,
    timeoutSeconds: 15,
    query: (_, db) => db.collection('things'),
    page(things, ctx) {
      for (const { ref } of things) {
        const visit = { visits: FieldValue.increment(1), [`v${version}`]: FieldValue.increment(1) };
        ctx.set(ref.collection('visited').doc(name), visit, { merge: true });
      }
    },
    onComplete: (ctx) =>
      ctx.set(
        ctx.db.doc(`completed/${name}`),
        { times: FieldValue.increment(1), by: version },
        { merge: true },
      ),
    ...policy,
  }) as IterativeTask;
}

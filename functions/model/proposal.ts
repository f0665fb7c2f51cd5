import type { CollectionReference, Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import { converter } from './converter.ts';

/** What a student proposes to do for an organization, and what came of it. */
export const proposalSchema: z.ZodType<Proposal> = z.object({
  program: z.string(),
  student: z.string(),
  organization: z.string(),
  state: z.enum(['pending', 'accepted', 'rejected']),
});

export interface Proposal {
  readonly program: string;
  /** Ids of a student and of an organization. */
  readonly student: string;
  readonly organization: string;
  readonly state: 'pending' | 'accepted' | 'rejected';
}

export function proposals(db: Firestore): CollectionReference<Proposal> {
  return db.collection('proposals').withConverter(converter(proposalSchema));
}

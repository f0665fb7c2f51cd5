import { Timestamp, type DocumentReference, type Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import { converter } from './converter.ts';

/** Which students of a program more than one organization is to accept, as the search of one run found it. */
export const duplicatesReportSchema: z.ZodType<DuplicatesReport> = z.discriminatedUnion('state', [
  z.object({ state: z.literal('searching'), run: z.string() }),
  z.object({ state: z.literal('failed'), run: z.string(), reason: z.string() }),
  z.object({
    state: z.literal('found'),
    run: z.string(),
    proposals: z.number(),
    duplicates: z.array(z.object({ student: z.string(), organizations: z.array(z.string()) })),
    at: z.instanceof(Timestamp).transform((timestamp) => timestamp.toDate()),
  }),
]);

export interface Duplicate {
  readonly student: string;
  readonly organizations: readonly string[];
}

export type DuplicatesReport =
  | { readonly state: 'searching'; readonly run: string }
  | { readonly state: 'failed'; readonly run: string; readonly reason: string }
  | {
      readonly state: 'found';
      readonly run: string;
      /** How many accepted proposals were looked at. */
      readonly proposals: number;
      readonly duplicates: readonly Duplicate[];
      readonly at: Date;
    };

/** One report a program: the newest search replaces it. */
export function duplicatesReport(db: Firestore, program: string): DocumentReference<DuplicatesReport> {
  return db.doc(`duplicatesReports/${program}`).withConverter(converter(duplicatesReportSchema));
}

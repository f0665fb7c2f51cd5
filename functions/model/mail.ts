import { Timestamp, type CollectionReference, type Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import { converter } from './converter.ts';

const instant = z.instanceof(Timestamp).transform((timestamp) => timestamp.toDate());
const content = { to: z.string(), subject: z.string(), text: z.string() };

/**
 * A mail and what became of it: it begins `waiting`, and ends `sent`, or `refused` when the mail server will never take it.
 */
export const mailSchema: z.ZodType<Mail> = z.discriminatedUnion('state', [
  z.object({ state: z.literal('waiting'), ...content }),
  z.object({ state: z.literal('sent'), ...content, messageId: z.string(), sentAt: instant }),
  z.object({ state: z.literal('refused'), ...content, reason: z.string() }),
]);

export interface MailContent {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

export type Mail =
  | (MailContent & { readonly state: 'waiting' })
  | (MailContent & { readonly state: 'sent'; readonly messageId: string; readonly sentAt: Date })
  | (MailContent & { readonly state: 'refused'; readonly reason: string });

export function mails(db: Firestore): CollectionReference<Mail> {
  return db.collection('mails').withConverter(converter(mailSchema));
}

import type { DocumentData, FirestoreDataConverter, WithFieldValue } from '@google-cloud/firestore';
import { z } from 'zod';

/** Reads documents through their schema, so that a misfit is named with its document's path and no handler sees it. */
export function converter<T extends object>(schema: z.ZodType<T>): FirestoreDataConverter<T> {
  return {
    toFirestore: (value: WithFieldValue<T>): DocumentData => value,
    fromFirestore(snapshot) {
      const parsed = schema.safeParse(snapshot.data());
      if (parsed.success) return parsed.data;
      throw new Error(
        `Document ${snapshot.ref.path} does not fit its schema:\n${z.prettifyError(parsed.error)}`,
      );
    },
  };
}

import type { CollectionReference, Firestore } from '@google-cloud/firestore';
import { z } from 'zod';
import { converter } from './converter.ts';

/** Somebody who takes part in a program. */
export const studentSchema: z.ZodType<Student> = z.object({
  program: z.string(),
  name: z.string(),
  email: z.email(),
  university: z.string(),
});

export interface Student {
  /** The program's id, such as `gsoc2026`. */
  readonly program: string;
  readonly name: string;
  readonly email: string;
  readonly university: string;
}

export function students(db: Firestore): CollectionReference<Student> {
  return db.collection('students').withConverter(converter(studentSchema));
}

import type { HttpFunction } from '@google-cloud/functions-framework';
import { starter } from '../../lib/index.ts';
import { emailStudents } from '../workers/email-students.ts';

/** `POST {"program": "gsoc2026"}` mails every student of the program. */
export const startEmailStudents: HttpFunction = starter(emailStudents, {
  callersMaySet: ['delay', 'at', 'key', 'shards', 'repeat', 'documentsPerSecond'],
});

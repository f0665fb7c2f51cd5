import { randomUUID } from 'node:crypto';
import { Firestore } from '@google-cloud/firestore';
import { onTestFinished } from 'vitest';

/** A database of its own in the test run's Firestore emulator: tests keep apart by project. */
export function testFirestore(projectId: string = `test-${randomUUID().slice(0, 18)}`): Firestore {
  const db = new Firestore({ projectId });
  onTestFinished(() => db.terminate());
  return db;
}

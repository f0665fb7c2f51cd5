import type { Firestore } from '@google-cloud/firestore';
import { FirestoreRunStore } from '../../lib/firestore/run-store.ts';
import { createTokenVerifier } from '../../lib/http/verify-token.ts';
import type { Ports } from '../../lib/ports.ts';
import type { Runtime } from '../../lib/runtime.ts';
import { systemClock } from '../../lib/system-clock.ts';
import { RecordingLog, RecordingQueue } from './recording.ts';

export interface TestPorts extends Ports {
  readonly queue: RecordingQueue;
  readonly log: RecordingLog;
}

/** The use cases on a real database; what they enqueue and log is remembered for the test to see. */
export function testPorts(db: Firestore): TestPorts {
  return {
    store: new FirestoreRunStore(db),
    queue: new RecordingQueue(),
    clock: systemClock,
    log: new RecordingLog(),
  };
}

export function testRuntime(
  ports: Ports,
  issuer: string,
  functionsUrl = 'https://functions.example',
): Runtime {
  return {
    ports,
    retries: new RecordingQueue(),
    verifyToken: createTokenVerifier(issuer),
    settings: {
      project: 'p',
      location: 'l',
      functionsUrl,
      serviceAccount: 'tasks@p.iam.gserviceaccount.com',
      callers: ['admin@example.com'],
      issuer,
    },
  };
}

import type { DocumentSnapshot, Firestore } from '@google-cloud/firestore';

/** Waits, by a listener, until a run is no longer running. */
export async function untilEnded(db: Firestore, runId: string): Promise<DocumentSnapshot> {
  return await new Promise((resolve, reject) => {
    const stop = db.doc(`pageturnerRuns/${runId}`).onSnapshot((snapshot) => {
      if (snapshot.get('state') === 'running') return;
      stop();
      resolve(snapshot);
    }, reject);
  });
}

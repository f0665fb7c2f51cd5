import { describe } from 'vitest';
import { FirestoreRunStore } from '../../../lib/firestore/run-store.ts';
import { documentContract } from '../../contracts/documents.ts';
import { pageContract } from '../../contracts/pages.ts';
import { childrenContract } from '../../contracts/children.ts';
import { runKeyContract } from '../../contracts/run-keys.ts';
import { runStoreContract } from '../../contracts/run-store.ts';
import { setAsideContract, type StoreFactory } from '../../contracts/set-aside.ts';
import { testFirestore } from '../../support/firestore.ts';

describe("runs in Google's Firestore emulator", () => {
  const create: StoreFactory = () => {
    const db = testFirestore();
    return {
      store: new FirestoreRunStore(db),
      async seed(documents) {
        const batch = db.batch();
        for (const [path, data] of Object.entries(documents)) batch.set(db.doc(path), data);
        await batch.commit();
      },
    };
  };
  runStoreContract(create);
  pageContract(create);
  documentContract(create);
  setAsideContract(create);
  childrenContract(create);
  runKeyContract(() => create().store);
});

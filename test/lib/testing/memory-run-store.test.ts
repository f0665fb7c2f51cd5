import { describe } from 'vitest';
import { MemoryFirestore } from '../../../lib/testing/memory-firestore.ts';
import { MemoryRunStore } from '../../../lib/testing/memory-run-store.ts';
import { documentContract } from '../../contracts/documents.ts';
import { pageContract } from '../../contracts/pages.ts';
import { childrenContract } from '../../contracts/children.ts';
import { runKeyContract } from '../../contracts/run-keys.ts';
import { runStoreContract } from '../../contracts/run-store.ts';
import { setAsideContract, type StoreFactory } from '../../contracts/set-aside.ts';

describe('runs in memory', () => {
  const create: StoreFactory = () => {
    const db = new MemoryFirestore();
    return {
      store: new MemoryRunStore(db),
      async seed(documents) {
        db.commit((batch) => {
          for (const [path, data] of Object.entries(documents)) batch.set(path, data);
        });
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

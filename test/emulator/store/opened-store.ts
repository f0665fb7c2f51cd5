import { onTestFinished } from 'vitest';
import { SqliteStore } from '../../../emulator/store/sqlite.ts';

/** A store on that file as it is found at `now`, closed with the test. */
export function openStore(file: string, now = 0): SqliteStore {
  const store = new SqliteStore(file, now);
  onTestFinished(() => store.close());
  return store;
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { onTestFinished, vi } from 'vitest';

/** A file name in a folder of the test's own. */
export function dataFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pageturner-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'tasks.db');
}

/** SQLite's own ways of not being able to write, set on the very connection of a store. */
export interface Disk {
  /** No page can be added: SQLITE_FULL. What fits into the pages that are there is still written. */
  fill(): void;
  /** Nothing at all can be written: SQLITE_READONLY. */
  lock(): void;
  free(): void;
}

/** Opens a store, or starts what opens one, and gives hold of its disk. */
export async function withDisk<T>(open: () => T | Promise<T>): Promise<{ opened: T; disk: Disk }> {
  const spy = vi.spyOn(DatabaseSync.prototype, 'exec');
  const opened = await open();
  const database = spy.mock.contexts[0] as DatabaseSync;
  spy.mockRestore();
  return {
    opened,
    disk: {
      fill: () => {
        const { page_count: pages } = database.prepare('PRAGMA page_count').get() ?? {};
        database.exec(`PRAGMA max_page_count = ${Number(pages)}`);
      },
      lock: () => database.exec('PRAGMA query_only = ON'),
      free: () => database.exec('PRAGMA query_only = OFF; PRAGMA max_page_count = 1000000'),
    },
  };
}

import { watch, type FSWatcher } from 'node:fs';
import { dirname, extname, join } from 'node:path';

/** One save of an editor makes several events; this long after the last one, they are taken as one change. */
const settleMs = 80;

/** Tells of changes of the files that were added. Folders are watched, as editors replace a file rather than write into it. */
export class FileWatcher {
  readonly #files = new Set<string>();
  readonly #folders = new Map<string, FSWatcher>();
  readonly #onChange: (file: string) => void;
  #settling: NodeJS.Timeout | undefined;
  /** Whether a new file beside the known ones counts as a change, too: it may be the one that was missing. */
  isCurious = false;

  constructor(onChange: (file: string) => void) {
    this.#onChange = onChange;
  }

  add(file: string): void {
    this.#files.add(file);
    const folder = dirname(file);
    if (this.#folders.has(folder)) return;
    const watcher = watch(folder, (_event, name) => this.#seen(join(folder, name ?? '')));
    // A folder that is deleted has nothing more to tell.
    watcher.on('error', () => watcher.close());
    this.#folders.set(folder, watcher);
  }

  close(): void {
    clearTimeout(this.#settling);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #seen(file: string): void {
    const isNew = this.isCurious && /^\.[cm]?[jt]s$|^\.json$/.test(extname(file));
    if (!this.#files.has(file) && !isNew) return;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#onChange(file), settleMs);
  }
}

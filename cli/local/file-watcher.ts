import { existsSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';

/** One save of an editor makes several events; this long after the last one, they are taken as one change. */
const settleMs = 80;
/** How often a folder is looked for that is gone, as compilers and git delete folders and make them again. */
const lookMs = 200;

/** Tells of changes of the files that were added. Folders are watched, as editors replace a file rather than write into it. */
export class FileWatcher {
  readonly #files = new Set<string>();
  readonly #folders = new Map<string, FSWatcher>();
  /** Folders that were watched and are gone. */
  readonly #gone = new Set<string>();
  readonly #onChange: (file: string) => void;
  #settling: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Whether a new file beside the known ones counts as a change, too: it may be the one that was missing. */
  isCurious = false;

  constructor(onChange: (file: string) => void) {
    this.#onChange = onChange;
  }

  /** @throws the system's error where the file's folder cannot be watched */
  add(file: string): void {
    // Who tells of files may still have some to tell of.
    if (this.#isClosed) return;
    this.#files.add(file);
    const folder = dirname(file);
    if (!this.#folders.has(folder) && !this.#gone.has(folder)) this.#watch(folder);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#settling);
    clearInterval(this.#looking);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #watch(folder: string): void {
    const watcher = watch(folder, (event, name) => {
      // That it is deleted or moved itself is told under its own name; another may stand in its place already.
      const isItself = event === 'rename' && (name === basename(folder) || !existsSync(folder));
      if (isItself) this.#lose(folder, watcher);
      else this.#seen(join(folder, name ?? ''));
    });
    watcher.on('error', () => this.#lose(folder, watcher));
    this.#folders.set(folder, watcher);
  }

  #lose(folder: string, watcher: FSWatcher): void {
    watcher.close();
    if (this.#folders.get(folder) !== watcher) return;
    this.#folders.delete(folder);
    this.#gone.add(folder);
    this.#looking ??= setInterval(() => this.#look(), lookMs).unref();
    // What happened to each of its files may not have been told.
    this.#seenOneOf(folder);
  }

  #look(): void {
    for (const folder of this.#gone) {
      if (!existsSync(folder)) continue;
      try {
        this.#watch(folder);
      } catch {
        continue; // Gone again, or the system may have a watcher to give later.
      }
      this.#gone.delete(folder);
      this.#seenOneOf(folder);
    }
    if (this.#gone.size > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #seenOneOf(folder: string): void {
    const file = [...this.#files].find((each) => dirname(each) === folder);
    if (file !== undefined) this.#seen(file);
  }

  #seen(file: string): void {
    const isNew = this.isCurious && /^\.[cm]?[jt]s$|^\.json$/.test(extname(file));
    if (this.#isClosed || (!this.#files.has(file) && !isNew)) return;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#onChange(file), settleMs);
  }
}

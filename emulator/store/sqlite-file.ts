import { closeSync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { nodeSqlite } from './node-sqlite.ts';
import { APPLICATION_ID, createTables, SCHEMA_VERSION, upgradeTables } from './sqlite-schema.ts';
import { StoreFault } from './store.ts';

/** The data file cannot be used. The message says why and what to do. */
export class DataFileError extends Error {
  override readonly name = 'DataFileError';
}

/**
 * The log is carried over into the file, which waits for the disk twice, each 32 MiB (8,000 pages) rather than each 4: measured, that
 * makes a change cheaper by a third to a half.
 */
const MODES = 'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 8000;';

/**
 * Opens the file, or makes it, for this process alone. A file of an earlier version is brought up to this one.
 *
 * @throws DataFileError where it is none of ours, of a newer version, in use, or cannot be made
 */
export function openDatabase(file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    // It holds the key that signs tokens: a new file is its owner's alone. Its log takes the same rights.
    closeSync(openSync(file, 'a', 0o600));
    // A file that another emulator holds is refused at once rather than waited for.
    database = new (nodeSqlite().DatabaseSync)(file, { timeout: 0 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE;');
    // What is not ours is only read: the modes below are written into the file.
    const version = isUntouched(database) ? undefined : checkedVersion(file, database);
    database.exec(MODES);
    // The lock is taken by the first write.
    database.exec('BEGIN EXCLUSIVE; COMMIT;');
    if (version === undefined) createTables(database);
    else if (version < SCHEMA_VERSION) upgradeTables(database, version);
    return database;
  } catch (error) {
    database?.close();
    throw dataFileError(file, error);
  }
}

function isUntouched(database: DatabaseSync): boolean {
  const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() ?? {};
  return tables === 0 && pragma(database, 'application_id') === 0;
}

function pragma(database: DatabaseSync, name: string): unknown {
  return database.prepare(`PRAGMA ${name}`).get()?.[name];
}

/** Of a file that this emulator can read, or bring up to what it reads. */
function checkedVersion(file: string, database: DatabaseSync): number {
  if (pragma(database, 'application_id') !== APPLICATION_ID) {
    throw new DataFileError(
      `${file} is a database of something else. Name another file, or none that exists.`,
    );
  }
  const version = Number(pragma(database, 'user_version'));
  if (version >= 1 && version <= SCHEMA_VERSION) return version;
  throw new DataFileError(
    `${file} is of version ${version}, and this emulator reads version ${SCHEMA_VERSION}. Use the newer emulator that wrote it, or another file.`,
  );
}

const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;

/** What to do about a file that cannot be written, by the low byte of SQLite's code. */
const MENDS: Readonly<Record<number, string>> = {
  [SQLITE_READONLY]: 'See that it may be written.',
  [SQLITE_IOERR]: 'See that its disk is in order.',
  [SQLITE_FULL]: 'Make room on its disk.',
  [SQLITE_CANTOPEN]: 'See that its folder is there and may be written.',
};

/** The fault of a write that failed for a reason outside of the emulator; undefined for any other error. */
export function storeFault(file: string, error: unknown): StoreFault | undefined {
  const { errcode = 0, message } = error as { errcode?: number; message: string };
  const mend = MENDS[errcode & 0xff];
  if (mend === undefined) return undefined;
  return new StoreFault(
    `${file} cannot be written: ${message}. Nothing was changed, and nothing that was acknowledged is lost. ${mend} The emulator then goes on by itself.`,
  );
}

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** What to tell of a file that cannot be opened or read. */
export function dataFileError(file: string, error: unknown): DataFileError {
  if (error instanceof DataFileError) return error;
  const { errcode, message } = error as { errcode?: number; message: string };
  if (errcode === SQLITE_BUSY) {
    return new DataFileError(`${file} is in use by another emulator. Stop that one, or name another file.`);
  }
  if (errcode === SQLITE_NOTADB) {
    return new DataFileError(
      `${file} is no data file of this emulator. Name another file, or none that exists.`,
    );
  }
  if (errcode === SQLITE_CORRUPT) {
    return new DataFileError(
      `${file} is damaged: ${message}. Put a copy of it in its place, or name another file.`,
      { cause: error },
    );
  }
  return new DataFileError(`${file} cannot be used: ${message}.`, { cause: error });
}

import { closeSync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { nodeSqlite } from './node-sqlite.ts';

/** The data file cannot be used. The message says why and what to do. */
export class DataFileError extends Error {
  override readonly name = 'DataFileError';
}

/** "PgTn" in SQLite's own place for telling whose file it is. */
const APPLICATION_ID = 0x5067_546e;
const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE texts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
  CREATE TABLE queues (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
  CREATE TABLE queue_names (name TEXT PRIMARY KEY, free_at REAL NOT NULL) WITHOUT ROWID, STRICT;
  CREATE TABLE tasks (
    name TEXT PRIMARY KEY, queue TEXT NOT NULL, position INTEGER NOT NULL, target BLOB NOT NULL, progress BLOB NOT NULL
  ) STRICT;
  CREATE INDEX tasks_by_queue ON tasks (queue);
  CREATE TABLE task_names (name TEXT PRIMARY KEY, queue TEXT NOT NULL, free_at REAL NOT NULL) WITHOUT ROWID, STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * The log is carried over into the file, which waits for the disk twice, each 32 MiB (8,000 pages) rather than each 4: measured, that
 * makes a change cheaper by a third to a half.
 */
const MODES = 'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 8000;';

/**
 * Opens the file, or makes it, for this process alone.
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
    const isNew = isUntouched(database);
    if (!isNew) checkVersion(file, database);
    database.exec(MODES);
    // The lock is taken by the first write.
    database.exec('BEGIN EXCLUSIVE; COMMIT;');
    if (isNew) database.exec(`BEGIN; ${SCHEMA} COMMIT;`);
    return database;
  } catch (error) {
    database?.close();
    throw error instanceof DataFileError ? error : explain(file, error);
  }
}

function isUntouched(database: DatabaseSync): boolean {
  const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() ?? {};
  return tables === 0 && pragma(database, 'application_id') === 0;
}

function pragma(database: DatabaseSync, name: string): unknown {
  return database.prepare(`PRAGMA ${name}`).get()?.[name];
}

function checkVersion(file: string, database: DatabaseSync): void {
  if (pragma(database, 'application_id') !== APPLICATION_ID) {
    throw new DataFileError(
      `${file} is a database of something else. Name another file, or none that exists.`,
    );
  }
  const version = pragma(database, 'user_version');
  if (version !== SCHEMA_VERSION) {
    throw new DataFileError(
      `${file} is of version ${String(version)}, and this emulator reads version ${SCHEMA_VERSION}. Use the newer emulator that wrote it, or another file.`,
    );
  }
}

const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

function explain(file: string, error: unknown): DataFileError {
  const { errcode, message } = error as { errcode?: number; message: string };
  if (errcode === SQLITE_BUSY) {
    return new DataFileError(`${file} is in use by another emulator. Stop that one, or name another file.`);
  }
  if (errcode === SQLITE_NOTADB) {
    return new DataFileError(
      `${file} is no data file of this emulator. Name another file, or none that exists.`,
    );
  }
  return new DataFileError(`${file} cannot be used: ${message}.`, { cause: error });
}

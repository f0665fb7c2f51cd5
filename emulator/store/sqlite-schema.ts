import type { DatabaseSync } from 'node:sqlite';
import { deserialize } from 'node:v8';
import type { Target } from '../core/model.ts';
import { progressToText, targetToText } from './task-text.ts';
import type { Progress } from './task-text.ts';

/** "PgTn" in SQLite's own place for telling whose file it is. */
export const APPLICATION_ID = 0x5067_546e;
export const SCHEMA_VERSION = 2;

/** What has stood as it is since version 1. */
const COMMON_TABLES = `
  CREATE TABLE texts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
  CREATE TABLE queue_names (name TEXT PRIMARY KEY, free_at REAL NOT NULL) WITHOUT ROWID, STRICT;
`;

/**
 * A task stands in two tables: its target with its body, which never changes, and the rest, which each attempt writes anew. Both are in
 * the order of creation, so that a new task is written at their ends and all are read from front to back; who has which name is known from
 * memory. Names that are held stand in the order in which they become free.
 */
const TABLES = `
  CREATE TABLE queues (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE tasks (position INTEGER PRIMARY KEY, progress TEXT NOT NULL) STRICT;
  CREATE TABLE targets (position INTEGER PRIMARY KEY, target TEXT NOT NULL, body BLOB NOT NULL) STRICT;
  CREATE TABLE task_names (free_at REAL, name TEXT, PRIMARY KEY (free_at, name)) WITHOUT ROWID, STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

export function createTables(database: DatabaseSync): void {
  database.exec(`BEGIN; ${COMMON_TABLES} ${TABLES} COMMIT;`);
}

/** Version 1 had tasks in one table, by name, and wrote them in V8's own form. */
export function upgradeFromVersion1(database: DatabaseSync): void {
  const changed = ['queues', 'tasks', 'task_names'];
  database.exec('BEGIN');
  database.exec(changed.map((table) => `ALTER TABLE ${table} RENAME TO old_${table};`).join(' '));
  database.exec(TABLES);
  const addQueue = database.prepare('INSERT INTO queues VALUES (?, ?)');
  for (const { name, value } of database.prepare('SELECT name, value FROM old_queues').iterate()) {
    addQueue.run(name as string, JSON.stringify(deserialize(value as Uint8Array)));
  }
  const addTask = database.prepare('INSERT INTO tasks VALUES (?, ?)');
  const addTarget = database.prepare('INSERT INTO targets VALUES (?, ?, ?)');
  for (const row of database.prepare('SELECT position, target, progress FROM old_tasks').iterate()) {
    const position = row['position'] as number;
    const target = deserialize(row['target'] as Uint8Array) as Target;
    addTask.run(position, progressToText(deserialize(row['progress'] as Uint8Array) as Progress));
    addTarget.run(position, targetToText(target), target.body);
  }
  database.exec('INSERT INTO task_names SELECT free_at, name FROM old_task_names');
  database.exec(changed.map((table) => `DROP TABLE old_${table};`).join(' '));
  database.exec('COMMIT');
}

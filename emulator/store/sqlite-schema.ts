import type { DatabaseSync } from 'node:sqlite';
import { deserialize } from 'node:v8';
import type { Target } from '../core/model.ts';
import { taskToText } from './task-text.ts';
import type { Progress } from './task-text.ts';

/** "PgTn" in SQLite's own place for telling whose file it is. */
export const APPLICATION_ID = 0x5067_546e;
export const SCHEMA_VERSION = 3;

/** What has stood as it is since version 1. */
const COMMON_TABLES = `
  CREATE TABLE texts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
  CREATE TABLE queue_names (name TEXT PRIMARY KEY, free_at REAL NOT NULL) WITHOUT ROWID, STRICT;
`;

/**
 * A task is written once, as a row with its body, and each attempt writes a row beside it that is small whatever the body is: a new task changes
 * one page of the file, and so does an attempt. Both tables are in the order of creation, so that what is new is written at their ends and all is
 * read from front to back; who has which name is known from memory.
 */
const TASKS = `
  CREATE TABLE tasks (position INTEGER PRIMARY KEY, task TEXT NOT NULL, body BLOB NOT NULL) STRICT;
  CREATE TABLE progress (position INTEGER PRIMARY KEY, progress TEXT NOT NULL) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** What has stood as it is since version 2. Names that are held stand in the order in which they become free. */
const LATER_TABLES = `
  CREATE TABLE queues (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE task_names (free_at REAL, name TEXT, PRIMARY KEY (free_at, name)) WITHOUT ROWID, STRICT;
`;

export function createTables(database: DatabaseSync): void {
  database.exec(`BEGIN; ${COMMON_TABLES} ${LATER_TABLES} ${TASKS} COMMIT;`);
}

/** Brings the tables of an earlier version up to these. */
export function upgradeTables(database: DatabaseSync, version: number): void {
  database.exec('BEGIN');
  if (version === 1) upgradeFromVersion1(database);
  else upgradeFromVersion2(database);
  database.exec('COMMIT');
}

/** Version 1 had tasks by name, and wrote them in V8's own form. */
function upgradeFromVersion1(database: DatabaseSync): void {
  const changed = ['queues', 'tasks', 'task_names'];
  database.exec(changed.map((table) => `ALTER TABLE ${table} RENAME TO old_${table};`).join(' '));
  database.exec(LATER_TABLES + TASKS);
  const addQueue = database.prepare('INSERT INTO queues VALUES (?, ?)');
  for (const { name, value } of database.prepare('SELECT name, value FROM old_queues').iterate()) {
    addQueue.run(name as string, JSON.stringify(deserialize(value as Uint8Array)));
  }
  const addTask = database.prepare('INSERT INTO tasks VALUES (?, ?, ?)');
  for (const row of database.prepare('SELECT position, target, progress FROM old_tasks').iterate()) {
    const target = deserialize(row['target'] as Uint8Array) as Target;
    const task = { ...(deserialize(row['progress'] as Uint8Array) as Progress), target };
    addTask.run(row['position'] as number, taskToText(task), target.body);
  }
  database.exec('INSERT INTO task_names SELECT free_at, name FROM old_task_names');
  database.exec(changed.map((table) => `DROP TABLE old_${table};`).join(' '));
}

/** Version 2 had a task's target and body in one table and all else in another, and so wrote two pages for a new task. */
function upgradeFromVersion2(database: DatabaseSync): void {
  database.exec(`
    ALTER TABLE tasks RENAME TO old_tasks;
    ${TASKS}
    INSERT INTO tasks
      SELECT position, json_set(progress, '$.target', json(target)), body FROM old_tasks JOIN targets USING (position);
    DROP TABLE old_tasks;
    DROP TABLE targets;
  `);
}

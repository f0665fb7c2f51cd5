import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { serialize } from 'node:v8';
import { describe, expect, test } from 'vitest';
import type { Task } from '../../../emulator/core/model.ts';
import { StoreFault } from '../../../emulator/store/store.ts';
import { describeTaskStore } from '../../contracts/task-store.ts';
import { httpTarget, LOCATION, QUEUE, sampleQueue, sampleTask } from '../samples.ts';
import { openStore as open } from './opened-store.ts';
import { dataFile, withDisk } from './unwritable.ts';

describeTaskStore('a store in a file', () => open(dataFile()));

describe('a file that is opened again', () => {
  test('holds queues with their state, tasks with body and attempts, in the order of their creation', () => {
    const file = dataFile();
    const first = open(file);
    const queue = sampleQueue({ state: 'PAUSED', purgeAt: 1.5 });
    const tasks = ['b', 'a', 'c'].map((id, index) =>
      sampleTask({
        id,
        target: { ...httpTarget, body: new Uint8Array([index, 255]) },
        scheduleAt: 1_767_225_600_000.125,
      }),
    );
    first.putQueue(queue);
    for (const task of tasks) first.insertTask(task);
    const tried = { ...(tasks[1] ?? sampleTask()), dispatchCount: 3, lastAttempt: { dispatchAt: 7 } };
    first.claimTask(tried.name, () => tried);
    first.rescheduleTask(tried);
    first.close();

    const second = open(file);
    expect(second.listQueues()).toEqual([queue]);
    expect(second.listTasks(QUEUE, { start: 0, limit: 10 }).tasks).toEqual([tasks[0], tried, tasks[2]]);
  });

  test('goes on with a list where its page token stands, although tasks before it are gone', () => {
    const file = dataFile();
    const first = open(file);
    first.putQueue(sampleQueue());
    const tasks = ['a', 'b', 'c', 'd'].map((id) => sampleTask({ id }));
    for (const task of tasks) first.insertTask(task);
    for (const { name } of tasks.slice(0, 2)) first.deleteTask(name, { at: 0, nameFreeAt: 0 });
    const { next = expect.fail('one page') } = first.listTasks(QUEUE, { start: 0, limit: 1 });
    first.close();

    expect(open(file).listTasks(QUEUE, { start: next, limit: 10 }).tasks).toEqual([tasks[3]]);
  });

  test('is readable by its owner alone, since it holds a key', () => {
    const file = dataFile();
    open(file).putQueue(sampleQueue());
    expect(statSync(file).mode & 0o077).toBe(0);
    expect(statSync(`${file}-wal`).mode & 0o077).toBe(0);
  });

  test('makes what was in flight due again, with the attempt counted', () => {
    const file = dataFile();
    const first = open(file);
    first.putQueue(sampleQueue());
    first.insertTask(sampleTask());
    first.claimDue(QUEUE, 0, (task) => ({ ...task, dispatchCount: 1 }));
    first.close();

    const claim = open(file).claimDue(QUEUE, 0, (task) => task);
    expect(claim?.task.dispatchCount).toBe(1);
  });

  test('holds the names that were held, until they are free', () => {
    const file = dataFile();
    const first = open(file);
    first.putQueue(sampleQueue());
    for (const id of ['done', 'purged']) first.insertTask(sampleTask({ id }));
    first.deleteTask(sampleTask({ id: 'done' }).name, { at: 0, nameFreeAt: 100 });
    first.purgeTasks(QUEUE, { at: 0, nameFreeAt: 200 });
    first.putQueue(sampleQueue({ name: `${LOCATION}/queues/gone` }));
    first.deleteQueue(`${LOCATION}/queues/gone`, { at: 0, nameFreeAt: 300 });
    first.close();

    const second = open(file, 150);
    expect(second.isTaskNameHeld(sampleTask({ id: 'done' }).name, 150)).toBe(false);
    expect(second.isTaskNameHeld(sampleTask({ id: 'purged' }).name, 150)).toBe(true);
    expect(second.isTaskNameHeld(sampleTask({ id: 'purged' }).name, 200)).toBe(false);
    expect(second.isQueueNameHeld(`${LOCATION}/queues/gone`, 299)).toBe(true);
    expect(second.listTasks(QUEUE, { start: 0, limit: 10 }).tasks).toEqual([]);
  });

  test('holds the texts that are kept beside the tasks', () => {
    const file = dataFile();
    const first = open(file);
    expect(first.readText('key')).toBeUndefined();
    first.writeText('key', 'one');
    first.writeText('key', 'two');
    first.close();
    expect(open(file).readText('key')).toBe('two');
  });
});

test('a file of version 1 is brought up to date as it is opened, and once', () => {
  const file = dataFile();
  const old = new DatabaseSync(file);
  old.exec(`
    CREATE TABLE texts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
    CREATE TABLE queues (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
    CREATE TABLE queue_names (name TEXT PRIMARY KEY, free_at REAL NOT NULL) WITHOUT ROWID, STRICT;
    CREATE TABLE tasks (
      name TEXT PRIMARY KEY, queue TEXT NOT NULL, position INTEGER NOT NULL, target BLOB NOT NULL, progress BLOB NOT NULL
    ) STRICT;
    CREATE INDEX tasks_by_queue ON tasks (queue);
    CREATE TABLE task_names (name TEXT PRIMARY KEY, queue TEXT NOT NULL, free_at REAL NOT NULL) WITHOUT ROWID, STRICT;
    PRAGMA application_id = 1348949102;
    PRAGMA user_version = 1;
  `);
  const tasks = ['b', 'a'].map((id) =>
    sampleTask({ id, target: { ...httpTarget, body: new Uint8Array([0, 255]) } }),
  );
  old.prepare('INSERT INTO texts VALUES (?, ?)').run('key', 'secret');
  old.prepare('INSERT INTO queues VALUES (?, ?)').run(QUEUE, serialize(sampleQueue()));
  old.prepare('INSERT INTO queue_names VALUES (?, ?)').run(`${LOCATION}/queues/gone`, 300);
  old.prepare('INSERT INTO task_names VALUES (?, ?, ?)').run(`${QUEUE}/tasks/done`, QUEUE, 200);
  for (const [index, { target, ...progress }] of tasks.entries()) {
    const row = [serialize(target), serialize(progress)] as const;
    old.prepare('INSERT INTO tasks VALUES (?, ?, ?, ?, ?)').run(progress.name, QUEUE, 5 + index, ...row);
  }
  old.close();

  for (let life = 0; life < 2; life += 1) {
    const store = open(file, 100);
    expect(store.readText('key')).toBe('secret');
    expect(store.listQueues()).toEqual([sampleQueue()]);
    expect(store.listTasks(QUEUE, { start: 0, limit: 10 }).tasks).toEqual(tasks);
    expect(store.listTasks(QUEUE, { start: 0, limit: 1 }).next).toBe(6);
    expect(store.isTaskNameHeld(`${QUEUE}/tasks/done`, 150)).toBe(true);
    expect(store.isQueueNameHeld(`${LOCATION}/queues/gone`, 299)).toBe(true);
    store.close();
  }
});

test('a file of version 2 is brought up to date as it is opened, and once', () => {
  const file = dataFile();
  const old = new DatabaseSync(file);
  old.exec(`
    CREATE TABLE texts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
    CREATE TABLE queue_names (name TEXT PRIMARY KEY, free_at REAL NOT NULL) WITHOUT ROWID, STRICT;
    CREATE TABLE queues (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE tasks (position INTEGER PRIMARY KEY, progress TEXT NOT NULL) STRICT;
    CREATE TABLE targets (position INTEGER PRIMARY KEY, target TEXT NOT NULL, body BLOB NOT NULL) STRICT;
    CREATE TABLE task_names (free_at REAL, name TEXT, PRIMARY KEY (free_at, name)) WITHOUT ROWID, STRICT;
    PRAGMA application_id = 1348949102;
    PRAGMA user_version = 2;
  `);
  const tasks = ['b', 'a'].map((id) =>
    sampleTask({
      id,
      target: { ...httpTarget, headers: { 'X-é': '"ü"' }, body: new Uint8Array([0, 255]) },
      scheduleAt: 1_767_225_600_000.125,
      dispatchCount: 3,
      lastAttempt: { dispatchAt: 7 },
    }),
  );
  old.prepare('INSERT INTO queues VALUES (?, ?)').run(QUEUE, JSON.stringify(sampleQueue()));
  old.prepare('INSERT INTO task_names VALUES (?, ?)').run(200, `${QUEUE}/tasks/done`);
  for (const [index, { target, ...progress }] of tasks.entries()) {
    const { body, ...rest } = target;
    old.prepare('INSERT INTO tasks VALUES (?, ?)').run(5 + index, JSON.stringify(progress));
    old.prepare('INSERT INTO targets VALUES (?, ?, ?)').run(5 + index, JSON.stringify(rest), body);
  }
  old.close();

  for (let life = 0; life < 2; life += 1) {
    const store = open(file, 100);
    expect(store.listQueues()).toEqual([sampleQueue()]);
    expect(store.listTasks(QUEUE, { start: 0, limit: 10 }).tasks).toEqual(tasks);
    expect(store.listTasks(QUEUE, { start: 0, limit: 1 }).next).toBe(6);
    expect(store.isTaskNameHeld(`${QUEUE}/tasks/done`, 150)).toBe(true);
    store.close();
  }
});

describe('a file that cannot be used is refused with the reason:', () => {
  test('it is in use', () => {
    const file = dataFile();
    open(file);
    expect(() => open(file)).toThrow(`${file} is in use by another emulator.`);
  });

  test('it is no database', () => {
    const file = dataFile();
    writeFileSync(
      file,
      'a letter to somebody, and rather longer than the head of a database would be, '.repeat(9),
    );
    expect(() => open(file)).toThrow(`${file} is no data file of this emulator.`);
  });

  test('it is a database of something else', () => {
    const file = dataFile();
    const other = new DatabaseSync(file);
    other.exec('CREATE TABLE recipes (name TEXT)');
    other.close();
    const before = readFileSync(file);
    expect(() => open(file)).toThrow(`${file} is a database of something else.`);
    expect(readFileSync(file)).toEqual(before);
  });

  test('a newer emulator wrote it', () => {
    const file = dataFile();
    open(file).close();
    const newer = new DatabaseSync(file);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    expect(() => open(file)).toThrow(`${file} is of version 99, and this emulator reads version 3.`);
  });

  test('its pages are damaged', () => {
    const file = dataFile();
    open(file).close();
    // The first page, which tells what it is, stays.
    writeFileSync(file, readFileSync(file).fill(0xa5, 4096));
    expect(() => open(file)).toThrow(`${file} is damaged: database disk image is malformed. Put a copy`);
  });

  test('a record in it cannot be read', () => {
    const file = dataFile();
    open(file).close();
    const broken = new DatabaseSync(file);
    broken.exec("INSERT INTO queues VALUES ('q', '{')");
    broken.close();
    expect(() => open(file)).toThrow(`${file} holds a record that cannot be read.`);
    const mended = new DatabaseSync(file);
    mended.exec("DELETE FROM queues WHERE name = 'q'");
    mended.close();
    expect(open(file).listQueues()).toEqual([]);
  });

  test('its folder does not exist', () => {
    expect(() => open('/nonexistent/tasks.db')).toThrow(
      '/nonexistent/tasks.db cannot be used: ENOENT: no such file or directory',
    );
  });
});

describe('a file that cannot be written any more', () => {
  const bigTask = (id: string): Task =>
    sampleTask({ id, target: { ...httpTarget, body: new Uint8Array(100_000) } });

  test('refuses a task with the reason and the mend, keeps what it has, and takes it when there is room', async () => {
    const file = dataFile();
    const { opened: store, disk } = await withDisk(() => open(file));
    store.putQueue(sampleQueue());
    store.insertTask(bigTask('before'));
    disk.fill();
    expect(() => store.insertTask(bigTask('refused'))).toThrow(
      new StoreFault(
        `${file} cannot be written: database or disk is full. Nothing was changed, and nothing that was acknowledged is lost. Make room on its disk. The emulator then goes on by itself.`,
      ),
    );
    expect(store.getTask(bigTask('refused').name)).toBeUndefined();
    disk.free();
    store.insertTask(bigTask('after'));
    store.close();
    const kept = open(file).listTasks(QUEUE, { start: 0, limit: 10 }).tasks;
    expect(kept).toEqual([bigTask('before'), bigTask('after')]);
  });

  test('changes nothing in memory either, whatever is asked of it', async () => {
    const { opened: store, disk } = await withDisk(() => open(dataFile()));
    store.putQueue(sampleQueue());
    store.insertTask(sampleTask());
    const { name } = sampleTask();
    const release = { at: 0, nameFreeAt: 100 };
    disk.lock();
    const changes: Readonly<Record<string, () => unknown>> = {
      putQueue: () => store.putQueue(sampleQueue({ state: 'PAUSED' })),
      deleteQueue: () => store.deleteQueue(QUEUE, release),
      insertTask: () => store.insertTask(sampleTask({ id: 'other' })),
      deleteTask: () => store.deleteTask(name, release),
      purgeTasks: () => store.purgeTasks(QUEUE, release),
      claimDue: () => store.claimDue(QUEUE, 0, (task) => ({ ...task, dispatchCount: 1 })),
      claimTask: () => store.claimTask(name, (task) => ({ ...task, dispatchCount: 1 })),
      rescheduleTask: () => store.rescheduleTask({ ...sampleTask(), scheduleAt: 5 }),
      recordLateResponse: () => store.recordLateResponse({ ...sampleTask(), responseCount: 1 }),
      writeText: () => store.writeText('key', 'x'),
    };
    for (const [method, change] of Object.entries(changes)) expect(change, method).toThrow(StoreFault);
    expect(store.listQueues()).toEqual([sampleQueue()]);
    expect(store.listTasks(QUEUE, { start: 0, limit: 10 }).tasks).toEqual([sampleTask()]);
    expect(store.isTaskNameHeld(name, 50)).toBe(false);
    disk.free();
    expect(store.claimDue(QUEUE, sampleTask().scheduleAt, (task) => task)?.task).toEqual(sampleTask());
  });
});

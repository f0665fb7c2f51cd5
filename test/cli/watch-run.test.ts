import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { fitLastColumn } from '../../cli/fit-table.ts';
import { drawRun, endOf, lineOf, type Watched } from '../../cli/run-view.ts';
import { Screen, type Terminal } from '../../cli/screen.ts';
import { iterativeTask } from '../../lib/index.ts';
import { configFile } from '../support/config-file.ts';
import { testFirestore } from '../support/firestore.ts';
import { begin } from '../support/runs.ts';
import { testPorts } from '../support/test-runtime.ts';

const now = Date.UTC(2030, 0, 1);

function watched(shards: number, changes: Partial<Watched> = {}): Watched {
  return {
    id: 'r',
    task: 'walk',
    state: 'running',
    params: {},
    startedBy: 'test',
    dryRun: false,
    createdAt: new Date(now),
    total: 1000,
    processed: 250,
    pages: 5,
    quarantined: 0,
    started: 0,
    history: [],
    shards: Array.from({ length: shards }, (_, index) => ({
      index,
      state: index % 10 === 0 ? ('done' as const) : ('running' as const),
      turn: 0,
      epoch: 0,
      cursor: null,
      processed: index,
      pages: 1,
      quarantined: 0,
      started: 0,
      failures: 0,
      // The higher its index, the longer ago a shard has moved.
      updatedAt: new Date(now - index * 1000),
    })),
    ...changes,
  };
}

const escape = '\u001B';
/** A command to the terminal, a step, or text. */
const sequences = new RegExp(`${escape}\\[[?\\d]*[A-Za-z]|\\r|\\n|[^${escape}\\r\\n]+`, 'g');

/** A terminal that does what `Screen` asks of it, and shows what a person would see. */
function fakeTerminal(columns: number, rows: number) {
  const listeners = new Set<() => void>();
  const seen = { lines: [''], row: 0, isCursorShown: true, isWrapping: true };
  const write = (text: string): void => {
    for (const [part] of text.matchAll(sequences)) {
      if (part === '\r') continue;
      if (part === '\n') seen.lines[(seen.row += 1)] ??= '';
      else if (part === '\u001B[?25l' || part === '\u001B[?25h') seen.isCursorShown = part.endsWith('h');
      else if (part === '\u001B[?7l' || part === '\u001B[?7h') seen.isWrapping = part.endsWith('h');
      else if (part === '\u001B[J') seen.lines.splice(seen.row, Infinity, '');
      else if (part === '\u001B[H') seen.row = 0;
      else if (part === '\u001B[2J') seen.lines = [''];
      else if (part.startsWith('\u001B')) seen.row -= Number(/\d+/.exec(part)?.[0]);
      else if (seen.isWrapping) throw new Error(`"${part}" may be wrapped`);
      else seen.lines[seen.row] = part.slice(0, terminal.columns);
    }
  };
  const terminal = {
    columns,
    rows,
    write,
    on: (_: 'resize', listener: () => void) => listeners.add(listener),
    off: (_: 'resize', listener: () => void) => listeners.delete(listener),
  };
  const resize = (to: number): void => {
    terminal.columns = to;
    for (const listener of listeners) listener();
  };
  return { terminal: terminal satisfies Terminal, seen, listeners, resize };
}

test('a frame is drawn over the one before, whatever lengths the lines have, and the terminal is given back', () => {
  const { terminal, seen, listeners } = fakeTerminal(10, 5);
  const screen = new Screen(terminal);
  expect(seen).toMatchObject({ isCursorShown: false, isWrapping: false });
  screen.draw(['a line much longer than the terminal is wide', 'two', 'three']);
  expect(seen.lines).toEqual(['a line muc', 'two', 'three']);
  screen.draw(['one']);
  expect(seen.lines).toEqual(['one']);
  screen.draw(['1', '2', '3', '4', '5', '6', '7']);
  expect(seen.lines).toEqual(['1', '2', '3', '4', '5']);
  screen.close();
  screen.close();
  expect(seen).toMatchObject({ isCursorShown: true, isWrapping: true, lines: ['1', '2', '3', '4', '5', ''] });
  expect(listeners.size).toBe(0);
});

test('after a change of size the whole terminal is drawn anew, since nobody knows where the lines are', () => {
  const { terminal, seen, resize } = fakeTerminal(40, 5);
  const screen = new Screen(terminal);
  screen.draw(['first', 'second']);
  seen.lines = ['fir', 'st', 'sec', 'ond'];
  seen.row = 3;
  resize(3);
  screen.draw(['first', 'second']);
  expect(seen.lines).toEqual(['fir', 'sec']);
  screen.close();
});

test('a run with few shards is shown with all of them, and one with a hundred with the slowest that fit', () => {
  const few = drawRun(watched(3), 24, now);
  expect(few).toHaveLength(6);
  expect(few[1]).toMatch(/^█{10}░{30} 25 %$/);
  expect(few[4]).toMatch(/^ +1 +running +1 +1 +0 +0 +1 s ago$/);
  const many = drawRun(watched(100), 10, now);
  expect(many).toHaveLength(10);
  expect(many.slice(3, 9).map((line) => Number(line.trim().split(' ')[0]))).toEqual([99, 98, 97, 96, 95, 94]);
  expect(many[9]).toBe('and 94 more: 84 running, 10 done');
  for (const rows of [1, 2, 3, 4, 5])
    expect(drawRun(watched(100), rows, now).length).toBeLessThanOrEqual(rows);
});

test('the time left goes by the rate of the last looks, and else by that of the walk', () => {
  expect(lineOf(watched(1, { recentDocumentsPerSecond: 25, secondsLeft: 3 }), now)).toContain(
    ' · 25/s · 30 s left',
  );
  expect(lineOf(watched(1, { documentsPerSecond: 5, secondsLeft: 600 }), now)).toContain(
    ' · 5/s · 10 min left',
  );
  expect(lineOf(watched(1, { state: 'paused', recentDocumentsPerSecond: 25 }), now)).not.toContain('left');
});

test('the last line of a completed run tells what did not go well, and how to see it', () => {
  const completed = { state: 'completed', processed: 495, endedAt: new Date(now + 16_300) } as const;
  const end = 'Run r is completed after 16.3 s, with 495 documents';
  const see = 'See them with: pageturner runs show r';
  expect(endOf(watched(1, { ...completed, failedChildren: 0 }))).toEqual([`${end}.`]);
  expect(endOf(watched(1, { ...completed, quarantined: 5, failedChildren: 3 }))).toEqual([
    `${end}; 5 set aside; 3 children failed.`,
    see,
  ]);
  expect(endOf(watched(1, { ...completed, failedChildren: 1 }))).toEqual([`${end}; 1 child failed.`, see]);
});

test('one of something is no plural', () => {
  const one = { processed: 1, pages: 1 };
  expect(lineOf(watched(1, { ...one, total: 2 }), now)).toContain(' · 1 of 2 documents · 1 page · ');
  const { total: _, ...uncounted } = watched(1, one);
  expect(lineOf(uncounted, now)).toContain(' · 1 document · 1 page · ');
});

test('a run that is to pause says until when it waits for what may be under way, and behind that what may be wrong', () => {
  const pausing = watched(1, { state: 'pausing', stopsBy: new Date(now + 65_000) });
  expect(lineOf(pausing, now)).toContain(
    ' · waits for what may be under way, at most until 2030-01-01T00:01:05.000Z; --force does not',
  );
  expect(lineOf(pausing, now + 79_000)).toContain('waits for');
  expect(lineOf(pausing, now + 80_000)).toContain(
    ' · should have stopped at 2030-01-01T00:01:05.000Z: its queue may be paused, and --force does not wait for it',
  );
});

test('a run that waits says until when, and how fast it may go', () => {
  const waitsUntil = new Date(now + 60_000);
  const waiting = watched(2, { throttledTo: 20, documentsPerSecond: 19.5, secondsLeft: 98, waitsUntil });
  expect(lineOf(waiting, now)).toContain(
    ' · 20/s of 20/s · waits until 2030-01-01T00:01:00.000Z · 98 s left',
  );
  expect(lineOf(waiting, now + 59_000)).not.toContain('waits');
  const [first, ...others] = waiting.shards;
  const shards = [{ ...(first ?? expect.fail('no shard')), waitsUntil }, ...others];
  expect(drawRun({ ...waiting, shards }, 24, now).filter((line) => line.includes('waits'))).toHaveLength(2);
});

test('an error is told on one line, with its document, and cannot command the terminal', () => {
  const lastError = { message: 'bad\u001B[2J news\n  and more\n', document: 'things/a', at: new Date(now) };
  expect(lineOf(watched(1, { lastError }), now)).toMatch(/ · things\/a: bad \[2J news and more$/);
});

test('the last column of a table is cut to the width of a terminal, and whole without one', () => {
  const head = ['RUN', 'LAST ERROR'];
  const rows = [
    ['a', 'x'.repeat(100)],
    ['\u001B[32mlonger\u001B[39m', 'short'],
  ];
  expect(fitLastColumn(head, rows, 40)).toEqual([['a', `${'x'.repeat(31)}…`], rows[1]]);
  expect(fitLastColumn(head, rows, 10)[0]?.[1]).toHaveLength('LAST ERROR'.length);
  expect(fitLastColumn(head, rows, undefined)).toEqual(rows);
});

const hasScript = spawnSync('script', ['--version']).status === 0;
const main = fileURLToPath(new URL('../../bin/pageturner.js', import.meta.url));

test.skipIf(!hasScript)(
  'on a real terminal runs watch draws the shards, and after Ctrl-C the cursor is there again on a new line',
  async () => {
    const project = `test-${randomUUID().slice(0, 18)}`;
    const config = configFile({ project });
    const walk = iterativeTask({
      name: 'walk',
      queue: 'iterate',
      params: z.object({}),
      query: (_, db) => db.collection('things'),
      page: () => {},
    });
    await begin(walk, testPorts(testFirestore(project)));
    const command = `stty cols 40 rows 10; exec '${process.execPath}' '${main}' runs watch r --config '${config}'`;
    const { NO_COLOR: _, ...env } = process.env;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...env, TERM: 'xterm', SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill());
    const exited = once(child, 'exit');
    let seen = '';
    for await (const chunk of child.stdout) {
      seen += String(chunk);
      if (seen.includes('LAST MOVED') && child.stdin.writable) child.stdin.end('\u0003');
    }
    expect(await exited).toEqual([130, null]);
    expect(seen).toContain('\u001B[?25l');
    expect(seen).toMatch(/walk is .*running/);
    expect(seen.lastIndexOf('\u001B[?25h')).toBeGreaterThan(seen.lastIndexOf('\u001B[?25l'));
    expect(seen.replaceAll('\r', '')).toContain('\u001B[?25h\n');
  },
);

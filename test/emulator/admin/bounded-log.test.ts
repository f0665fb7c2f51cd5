import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { BoundedLog } from '../../../emulator/admin/bounded-log.ts';

test('the oldest go when there are too many', () => {
  const dropped: number[] = [];
  const log = new BoundedLog<number>({ maxEntries: 3, maxBytes: 100, onDropped: (n) => dropped.push(n) });
  for (let n = 1; n <= 5; n += 1) log.add(n, 1);
  expect([...log.values()]).toEqual([3, 4, 5]);
  expect(dropped).toEqual([1, 2]);
});

test('the oldest go when they are too large together, also when one of them grows', () => {
  const log = new BoundedLog<string>({ maxEntries: 10, maxBytes: 100 });
  log.add('a', 40);
  log.add('b', 40);
  log.add('c', 40);
  expect([...log.values()]).toEqual(['b', 'c']);
  log.add('c', 30);
  expect([...log.values()]).toEqual(['c']);
  log.add('d', 200);
  expect([...log.values()]).toEqual([]);
  log.add('e', 100);
  expect([...log.values()]).toEqual(['e']);
});

test('what is removed or cleared takes no room', () => {
  const dropped: string[] = [];
  const log = new BoundedLog<string>({
    maxEntries: 2,
    maxBytes: 100,
    onDropped: (value) => dropped.push(value),
  });
  log.add('a', 90);
  log.remove('a');
  log.remove('never there');
  log.add('b', 90);
  log.add('c', 10);
  expect([...log.values()]).toEqual(['b', 'c']);
  expect(dropped).toEqual([]);
  log.clear();
  log.add('d', 100);
  expect([...log.values()]).toEqual(['d']);
});

test('it keeps the newest through many thousands', () => {
  const log = new BoundedLog<number>({ maxEntries: 10, maxBytes: 1000 });
  for (let n = 0; n < 20_000; n += 1) {
    log.add(n, 1);
    if (n % 3 === 0) log.remove(n);
  }
  expect([...log.values()]).toEqual([
    19_985, 19_987, 19_988, 19_990, 19_991, 19_993, 19_994, 19_996, 19_997, 19_999,
  ]);
});

test('what is removed between others that stay is let go of, and the order stays', async () => {
  const log = new BoundedLog<object>({ maxEntries: 10, maxBytes: 1000 });
  const [first, last] = [{}, {}];
  log.add(first, 1);
  const removed = new WeakRef(addAndRemove(log));
  for (let n = 0; n < 5000; n += 1) addAndRemove(log);
  log.add(last, 1);
  // What a weak reference has been made to stays until the next turn of the event loop.
  await setImmediate();
  collectGarbage();
  expect(removed.deref()).toBe(undefined);
  expect([...log.values()]).toEqual([first, last]);
});

function addAndRemove(log: BoundedLog<object>): object {
  const value = {};
  log.add(value, 1);
  log.remove(value);
  return value;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

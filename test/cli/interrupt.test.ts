import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { orAborted } from '../../cli/interrupt.ts';

test('what is awaited leaves no listener on a signal that lives on', async () => {
  const { signal } = new AbortController();
  expect(await orAborted(Promise.resolve(1), signal)).toBe(1);
  await expect(orAborted(Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a signal that is aborted, now or before, ends the wait with its reason', async () => {
  const controller = new AbortController();
  const wait = orAborted(new Promise(() => {}), controller.signal);
  const reason = new Error('enough');
  controller.abort(reason);
  await expect(wait).rejects.toBe(reason);
  await expect(orAborted(new Promise(() => {}), controller.signal)).rejects.toBe(reason);
});

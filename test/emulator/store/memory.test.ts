import { expect, test } from 'vitest';
import { MemoryStore } from '../../../emulator/store/memory.ts';
import { describeTaskStore } from '../../contracts/task-store.ts';
import { QUEUE, sampleQueue, sampleTask } from '../samples.ts';

describeTaskStore('a store in memory', () => new MemoryStore());

test('a store in memory gives out in order of creation what falls due together', () => {
  const store = new MemoryStore();
  store.putQueue(sampleQueue());
  const names = Array.from({ length: 20 }, (_, index) => sampleTask({ id: `t${99 - index}` }).name);
  for (const name of names) store.insertTask({ ...sampleTask(), name });
  expect(names.map(() => store.claimDue(QUEUE, 0, (task) => task)?.task.name)).toEqual(names);
});

test('a store in memory says which queue it does not have', () => {
  expect(() => new MemoryStore().nextDueAt(QUEUE)).toThrow(`The store has no queue ${QUEUE}.`);
});

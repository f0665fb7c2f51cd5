import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CreationList } from '../../../emulator/store/creation-list.ts';

interface Item {
  readonly order: number;
  isGone: boolean;
}

test('a page has the items that are left, from its start and up to its limit, however many are gone', () => {
  // More than enough items that those that are gone are thrown out now and then.
  const steps = fc.array(
    fc.record({ gap: fc.integer({ min: 1, max: 3 }), removed: fc.array(fc.nat(), { maxLength: 3 }) }),
    { minLength: 1, maxLength: 400, size: 'max' },
  );
  fc.assert(
    fc.property(steps, fc.nat(1000), fc.nat(50), (steps, start, limit) => {
      const list = new CreationList<Item>();
      const all: Item[] = [];
      let order = 0;
      for (const { gap, removed } of steps) {
        order += gap;
        const item = { order, isGone: false };
        all.push(item);
        list.push(item);
        for (const which of removed) {
          const removedItem = all[which % all.length];
          if (removedItem === undefined || removedItem.isGone) continue;
          removedItem.isGone = true;
          list.noteGone();
        }
      }
      const left = all.filter((item) => !item.isGone);
      expect(list.from(start, limit)).toEqual(left.filter((item) => item.order >= start).slice(0, limit));
      expect(list.from(0, Infinity)).toEqual(left);
    }),
  );
});

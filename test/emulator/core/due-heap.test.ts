import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DueHeap, type DueItem } from '../../../emulator/core/due-heap.ts';

function itemsOf(count: number): DueItem[] {
  return Array.from({ length: count }, (_, order) => ({ dueAt: 0, heapIndex: -1, order }));
}

function inOrder(items: Iterable<DueItem>): DueItem[] {
  return [...items].toSorted((a, b) => a.dueAt - b.dueAt || a.order - b.order);
}

function drain(heap: DueHeap<DueItem>): DueItem[] {
  const drained: DueItem[] = [];
  for (let first = heap.peek(); first !== undefined; first = heap.peek()) {
    drained.push(first);
    heap.remove(first);
  }
  return drained;
}

const steps = fc.array(
  fc.record({
    // Few items and few instants, so that things move and fall due together.
    which: fc.nat(19),
    dueAt: fc.option(fc.nat(15), { nil: undefined }),
  }),
  { maxLength: 200 },
);

describe('a heap of things that fall due', () => {
  test('always has the first of them on top, whatever was added, moved and removed', () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const items = itemsOf(20);
        const heap = new DueHeap<DueItem>();
        const inside = new Set<DueItem>();
        for (const { which, dueAt } of steps) {
          const item = items[which] ?? expect.fail('no item');
          if (dueAt === undefined) {
            heap.remove(item);
            inside.delete(item);
          } else {
            heap.set(item, dueAt);
            inside.add(item);
          }
          expect(heap.size).toBe(inside.size);
          expect(heap.peek()).toBe(inOrder(inside)[0]);
        }
        expect(drain(heap)).toEqual(inOrder(inside));
      }),
    );
  });

  test('gives out by order what falls due together', () => {
    const items = itemsOf(50);
    const heap = new DueHeap<DueItem>();
    for (const item of items.toReversed()) heap.set(item, 7);
    expect(drain(heap)).toEqual(items);
  });

  test('tells an item that it is outside once it was removed, so that another heap can take it', () => {
    const [item = expect.fail('no item')] = itemsOf(1);
    const [one, other] = [new DueHeap<DueItem>(), new DueHeap<DueItem>()];
    one.set(item, 1);
    one.remove(item);
    one.remove(item);
    other.set(item, 2);
    expect([one.size, other.size, item.dueAt]).toEqual([0, 1, 2]);
    expect(one.peek()).toBeUndefined();
  });
});

import { expect, test } from 'vitest';
import { parseDelivery, type Delivery } from '../../../lib/core/delivery.ts';

const turn: Delivery = { kind: 'turn', run: 'r', shard: 0, turn: 3, epoch: 0, cursor: ['a', 'students/1'] };

test('each kind of delivery arrives as it was sent', () => {
  const deliveries: Delivery[] = [
    turn,
    { kind: 'task', id: 'x', params: { to: 'a@b.c' }, repeat: 0 },
    { kind: 'start', run: 'r', queue: 'iterate', params: null, startedBy: 'p/0/1' },
    { kind: 'finish', run: 'r', shard: 1, epoch: 2 },
    { kind: 'prepare', run: 'r', epoch: 0 },
    { kind: 'settle', run: 'r', epoch: 1 },
    { kind: 'complete', run: 'r', epoch: 2 },
  ];
  for (const delivery of deliveries)
    expect(parseDelivery(JSON.parse(JSON.stringify(delivery)))).toEqual(delivery);
});

test.each([
  ['nothing', undefined],
  ['a string', 'turn'],
  ['another kind', { kind: 'other' }],
  ['a negative turn', { ...turn, turn: -1 }],
  ['a broken turn', { ...turn, turn: 1.5 }],
  ['a run id that is a path', { ...turn, run: '../x' }],
  ['a field that nobody sends', { ...turn, extra: 1 }],
])('%s is refused with a mend', (_, body) => {
  expect(() => parseDelivery(body)).toThrow(
    /This worker takes what Pageturner enqueues.*Start tasks with startTask\(\)/,
  );
});

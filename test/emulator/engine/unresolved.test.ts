import { expect, test } from 'vitest';
import { startEngine } from './fixture.ts';

const MISSING = 'projects/p/locations/us-central1/queues/none';
const target = { kind: 'http', url: 'http://127.0.0.1:9/', body: Buffer.alloc(0) } as const;

test('a task whose queue is missing is refused as was reported in 2023, where that is asked for', () => {
  const { engine } = startEngine({ settings: { missingQueueCode: 'FAILED_PRECONDITION' } });
  expect(() => engine.tasks.create(MISSING, { target })).toThrow(
    expect.objectContaining({ code: 'FAILED_PRECONDITION', message: 'Queue does not exist.' }),
  );
  expect(() => startEngine().engine.tasks.create(MISSING, { target })).toThrow(
    expect.objectContaining({ code: 'NOT_FOUND' }),
  );
});

test.each([
  ['as is the default', {}, { code: 10, message: 'ABORTED(10): HTTP status code 409' }],
  [
    'as is asked for',
    { conflictCode: 'ALREADY_EXISTS' },
    { code: 6, message: 'ALREADY_EXISTS(6): HTTP status code 409' },
  ],
] as const)('an answer of 409 is recorded and told %s', async (_, settings, status) => {
  const { engine, clock, create, taskName, events } = startEngine({
    settings,
    answer: () => ({ kind: 'response', httpStatus: 409 }),
  });
  create('t');
  await clock.advanceBy(0);
  expect(engine.tasks.get(taskName('t')).lastAttempt?.responseStatus).toEqual(status);
  expect(events.find(({ kind }) => kind === 'attemptEnded')).toMatchObject({ status });
});

import { expect, test } from 'vitest';
import { attemptOf } from '../../lib/attempt.ts';
import type { RetryLimits } from '../../lib/core/last-attempt.ts';
import type { Attempt, RetryLookup } from '../../lib/ports.ts';
import { testFirestore } from '../support/firestore.ts';
import { testPorts } from '../support/test-runtime.ts';

const now = 1_700_000_000_000;
const headers: Readonly<Record<string, string>> = {
  'X-CloudTasks-QueueName': 'iterate',
  'X-CloudTasks-TaskName': 't',
  'X-CloudTasks-TaskRetryCount': '2',
};

function lookup(limits: RetryLimits, firstAt: number, asked: string[] = []): RetryLookup {
  return {
    async retryLimits(queue) {
      asked.push(queue);
      return limits;
    },
    async firstAttemptAt(queue, taskId) {
      asked.push(`${queue}/${taskId}`);
      return firstAt;
    },
  };
}

function attempt(
  retries: RetryLookup,
  given = headers,
): Pick<Attempt, 'isLast' | 'firstMadeAt'> & { logged: () => string[] } {
  const ports = testPorts(testFirestore());
  const clock = { ...ports.clock, now: () => now };
  const made = attemptOf((name) => given[name], retries, { ...ports, clock });
  const logged = (): string[] => ports.log.entries.map(({ message }) => message);
  return { isLast: () => made.isLast(), firstMadeAt: () => made.firstMadeAt(), logged };
}

test('the last attempt is recognised by the limits of the queue that made it', async () => {
  expect(await attempt(lookup({ maxAttempts: 3 }, 0)).isLast()).toBe(true);
  expect(await attempt(lookup({ maxAttempts: 4 }, 0)).isLast()).toBe(false);
});

test('when its first attempt was is asked only where the time is limited', async () => {
  const asked: string[] = [];
  await attempt(lookup({ maxAttempts: 3 }, 0, asked)).isLast();
  expect(asked).toEqual(['iterate']);
  expect(await attempt(lookup({ maxAttempts: 3, maxRetryMs: 500 }, now - 499)).isLast()).toBe(false);
  expect(await attempt(lookup({ maxAttempts: 3, maxRetryMs: 500 }, now - 500, asked)).isLast()).toBe(true);
  expect(asked).toEqual(['iterate', 'iterate', 'iterate/t']);
});

test('a request that no queue made is not the last attempt, and nothing is asked', async () => {
  const asked: string[] = [];
  expect(await attempt(lookup({ maxAttempts: 1 }, 0, asked), {}).isLast()).toBe(false);
  expect(asked).toEqual([]);
});

test('a queue that cannot be asked leaves the answer to the healer, and the log says so', async () => {
  const refused = async (): Promise<never> => {
    throw new Error('7 PERMISSION_DENIED');
  };
  const { isLast, logged } = attempt({ retryLimits: refused, firstAttemptAt: refused });
  expect(await isLast()).toBe(false);
  expect(logged()).toEqual(['The queue could not be asked whether it tries again: 7 PERMISSION_DENIED']);
});

test('when its task was first delivered is what the queue says of it, and not known where that cannot be asked', async () => {
  const asked: string[] = [];
  expect(await attempt(lookup({}, 5, asked)).firstMadeAt()).toBe(5);
  expect(asked).toEqual(['iterate/t']);
  expect(await attempt(lookup({}, 5), {}).firstMadeAt()).toBeUndefined();
  const refused = async (): Promise<never> => {
    throw new Error('7 PERMISSION_DENIED');
  };
  const { firstMadeAt, logged } = attempt({ retryLimits: refused, firstAttemptAt: refused });
  expect(await firstMadeAt()).toBeUndefined();
  expect(logged()).toEqual([
    'The queue could not be asked when it first delivered a task: 7 PERMISSION_DENIED',
  ]);
});

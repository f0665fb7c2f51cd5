import { beforeEach, describe, expect, test } from 'vitest';
import { finishShard } from '../../lib/finish-shard.ts';
import { cancelRun, getRun, healRuns, iterativeTask, pauseRun, resumeRun } from '../../lib/index.ts';
import { clocksDifferByMs } from '../../lib/core/clocks.ts';
import type { OutboxTask } from '../../lib/core/outbox.ts';
import type { Attempt } from '../../lib/ports.ts';
import { takeDelivery } from '../../lib/take-delivery.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { attempt } from '../support/attempts.ts';
import { changed } from '../support/changed.ts';
import { memoryPorts } from '../support/memory-ports.ts';
import { begin, takeLast } from '../support/runs.ts';
import { base } from './walk.fixture.ts';

let ports: ReturnType<typeof memoryPorts>;
let during: () => Promise<void>;
let onComplete: () => Promise<void>;
const definition = {
  ...base,
  pageSize: 5,
  timeoutSeconds: 30,
  page: async () => await during(),
  onComplete: async () => await onComplete(),
};
const walk = iterativeTask(definition);

beforeEach(async () => {
  ports = memoryPorts();
  during = async () => {};
  onComplete = async () => {};
  await begin(walk, ports);
});

/** An attempt at a task that was first delivered at some time. */
const since = (firstMadeAt: number | undefined): Attempt =>
  attempt(0, { firstMadeAt: async () => firstMadeAt });
/** The last one of five at a task that was first delivered before anything happened. */
const last = attempt(4, { firstMadeAt: async () => 0, isLast: async () => true });

function lastTask(): OutboxTask {
  return ports.queue.tasks.at(-1) ?? expect.fail('nothing is enqueued');
}

async function deliver({ delivery }: OutboxTask, by?: Attempt): Promise<string> {
  if (delivery.kind === 'task') expect.fail('no child is started');
  return await takeDelivery(walk, delivery, ports, by);
}

async function stateOf(): Promise<string | undefined> {
  return (await getRun('r', ports.store))?.state;
}

const stops = [
  ['paused', 'pausing', pauseRun],
  ['canceled', 'canceling', cancelRun],
] as const;

describe.each(stops)('a run that is to be %s', (stopped, stopping, stop) => {
  test('waits for the page under way, though its task is delivered twice', async () => {
    const first = lastTask();
    during = async () => {
      ports.clock.ms += 1_000;
      await stop('r', {}, ports);
      await expect(deliver(first, since(1_000_000))).rejects.toMatchObject({ code: 'held' });
      expect(await stateOf()).toBe(stopping);
    };
    expect(await deliver(first, since(1_000_000))).toBe('committed');
    expect(await stateOf()).toBe(stopping);
    expect(await deliver(lastTask(), since(1_000_001 + 1_000))).toBe('parked');
    expect(await stateOf()).toBe(stopped);
    expect((await getRun('r', ports.store))?.processed).toBe(5);
  });

  test('waits for nobody where a task was first delivered after the command', async () => {
    await stop('r', {}, ports);
    const [turn] = ports.queue.tasks.filter(({ delivery }) => delivery.kind === 'turn');
    expect(await deliver(turn ?? expect.fail('no turn'), since(1_000_001))).toBe('parked');
    expect(await stateOf()).toBe(stopped);
  });

  test.each([
    ['was delivered at the same instant', 1_000_000],
    ['cannot be asked for', undefined],
  ])('waits as long as a worker may take where a task %s, and no longer', async (_, at) => {
    const turn = lastTask();
    await stop('r', {}, ports);
    const { stopsBy } = (await getRun('r', ports.store)) ?? {};
    expect(stopsBy).toEqual(new Date(1_000_000 + 35_000));
    ports.clock.ms += 39_000;
    await expect(deliver(turn, since(at))).rejects.toThrow('may be at work for');
    ports.clock.ms += 1_000;
    expect(await deliver(turn, since(at))).toBe('parked');
    expect(await stateOf()).toBe(stopped);
    expect(await getRun('r', ports.store)).not.toHaveProperty('stopsBy');
  });

  test('waits for its onComplete, though the last word of a shard and the completion are delivered twice', async () => {
    while ((await takeLast(walk, ports)) !== 'walked');
    const completion = lastTask();
    const finish = ports.queue.tasks.find(({ delivery }) => delivery.kind === 'finish')?.delivery;
    if (finish?.kind !== 'finish') expect.fail('no shard has said that it is done');
    onComplete = async () => {
      ports.clock.ms += 1_000;
      await stop('r', {}, ports);
      expect(await finishShard(walk, finish, ports)).toBe('parked');
      await expect(deliver(completion, since(1_000_000))).rejects.toMatchObject({ code: 'held' });
      expect(await stateOf()).toBe(stopping);
    };
    await expect(deliver(completion, since(1_000_000))).rejects.toMatchObject({ code: 'held' });
    expect(await stateOf()).toBe(stopping);
    expect(await deliver(completion, since(1_000_001 + 1_000))).toBe('parked');
    expect(await stateOf()).toBe(stopped);
  });

  test('is stopped by no healer before its workers have had their time', async () => {
    await stop('r', {}, ports);
    ports.clock.ms += 39_000;
    expect((await healRuns({ quietSeconds: 0 }, ports)).healed).toEqual([]);
    expect(await stateOf()).toBe(stopping);
    ports.clock.ms += 1_000;
    expect((await healRuns({ quietSeconds: 0 }, ports)).healed).toEqual(['r']);
    expect(await stateOf()).toBe(stopped);
  });
});

test('a delivery that looked before its run was resumed and paused again parks no shard under the page that began between', async () => {
  const turn = lastTask();
  await pauseRun('r', {}, ports);
  const called = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  during = async () => {
    await pauseRun('r', {}, ports);
    called.resolve();
    await released.promise;
  };
  let outcome: Promise<string> | undefined;
  const late = changed(ports.store, {
    async changeRun(...args) {
      if (outcome === undefined) {
        ports.clock.ms += 1_000;
        await resumeRun('r', {}, ports);
        outcome = deliver(turn, since(1_000_001));
        await called.promise;
      }
      return await ports.store.changeRun(...args);
    },
  });
  if (turn.delivery.kind !== 'turn') expect.fail('no turn');
  const looking = takeTurn(walk, turn.delivery, { ...ports, store: late }, since(1_000_001));
  await expect(looking).rejects.toMatchObject({ code: 'held' });
  released.resolve();
  expect(await outcome).toBe('committed');
});

describe('a last attempt that has to wait', () => {
  test('leaves another task for when the workers of a run that is to pause have had their time: a resume goes on by it', async () => {
    const turn = lastTask();
    await pauseRun('r', {}, ports);
    expect(await deliver(turn, last)).toBe('waiting');
    const following = lastTask();
    expect(following).toMatchObject({
      at: 1_000_000 + 40_000 + clocksDifferByMs,
      delivery: { ...turn.delivery, attemptsBefore: 5 },
    });
    ports.clock.ms += 1_000;
    await resumeRun('r', {}, ports);
    expect(lastTask()).toBe(following);
    expect(await deliver(following, since(ports.clock.ms))).toBe('committed');
  });

  test('leaves another task for when the lease is over also where the run is to pause, and that one another', async () => {
    const alone = iterativeTask({ ...definition, exclusive: true });
    const turn = lastTask();
    const take = async ({ delivery }: OutboxTask, by: Attempt): Promise<string> =>
      delivery.kind === 'turn' ? await takeTurn(alone, delivery, ports, by) : expect.fail('no turn');
    during = async () => {
      await pauseRun('r', {}, ports);
      expect(await take(turn, last)).toBe('waiting');
      const following = lastTask();
      expect(following).toMatchObject({ at: 1_000_000 + 30_000 + clocksDifferByMs });
      expect(await take(following, last)).toBe('waiting');
      expect(lastTask().delivery).toEqual({ ...turn.delivery, attemptsBefore: 10 });
      expect(await stateOf()).toBe('pausing');
    };
    expect(await take(turn, since(0))).toBe('committed');
  });

  test('is no sign for a healer that nobody is at work', async () => {
    const alone = iterativeTask({ ...definition, exclusive: true, timeoutSeconds: 900 });
    const { delivery } = lastTask();
    if (delivery.kind !== 'turn') expect.fail('no turn');
    during = async () => {
      expect(await takeTurn(alone, delivery, ports, last)).toBe('waiting');
      // It was answered.
      ports.queue.tasks.length = 0;
      ports.clock.ms += 890_000;
      expect((await healRuns({}, ports)).healed).toEqual([]);
    };
    expect(await takeTurn(alone, delivery, ports, since(0))).toBe('committed');
  });
});

test.each(stops)(
  'a run that is to be %s is not stopped by a completion from before the one that is at work',
  async (_, stopping, stop) => {
    while ((await takeLast(walk, ports)) !== 'walked');
    const former = lastTask();
    await pauseRun('r', {}, ports);
    await resumeRun('r', {}, ports);
    expect(await takeLast(walk, ports)).toBe('walked');
    const present = lastTask();
    onComplete = async () => {
      ports.clock.ms += 1_000;
      await stop('r', {}, ports);
      ports.clock.ms += 1_000;
      expect(await deliver(former, since(ports.clock.ms))).toBe('void');
      expect(await stateOf()).toBe(stopping);
    };
    await expect(deliver(present, since(1_000_000))).rejects.toMatchObject({ code: 'held' });
    expect(await deliver(present, since(ports.clock.ms))).toBe('parked');
  },
);

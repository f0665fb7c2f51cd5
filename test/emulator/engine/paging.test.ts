import { describe, expect, test } from 'vitest';
import type { Engine } from '../../../emulator/engine/engine.ts';
import type { VirtualClock } from '../../../emulator/engine/virtual-clock.ts';
import { LOCATION, QUEUE } from '../samples.ts';
import { startEngine } from './fixture.ts';

const TWO_HOURS_MS = 2 * 60 * 60 * 1000;

interface Page {
  readonly names: readonly string[];
  readonly nextPageToken: string | undefined;
}

type List = (page: { pageSize?: number; pageToken?: string | undefined }) => Page;

interface Listed {
  readonly clock: VirtualClock;
  readonly list: List;
}

function tasks(count: number): Listed {
  const { engine, clock, create } = startEngine();
  engine.queues.pause(QUEUE);
  for (let index = 0; index < count; index += 1) create(`t${index}`);
  return {
    clock,
    list: (page) => {
      const { tasks: items, nextPageToken } = engine.tasks.list(QUEUE, page);
      return { names: namesOf(items), nextPageToken };
    },
  };
}

function queues(count: number): Listed {
  const { engine, clock } = startEngine();
  const first = engine.queues.list(LOCATION).queues.length;
  for (let index = first; index < count; index += 1) addQueue(engine, `q${index}`);
  return {
    clock,
    list: (page) => {
      const { queues: items, nextPageToken } = engine.queues.list(LOCATION, page);
      return { names: namesOf(items), nextPageToken };
    },
  };
}

function addQueue(engine: Engine, id: string): void {
  engine.queues.create(LOCATION, { name: `${LOCATION}/queues/${id}` });
}

function namesOf(items: readonly { readonly name: string }[]): string[] {
  return items.map(({ name }) => name);
}

describe.each([
  ['tasks', tasks, 1000],
  ['queues', queues, 9800],
] as const)('a list of %s', (_, listed, most) => {
  test(`has at most ${most} on a page, whatever is asked for, and all of them on its pages`, () => {
    const { list } = listed(most + 1);
    for (const pageSize of [0, most + 1, 2 ** 31 - 1]) {
      expect(list({ pageSize }).names).toHaveLength(most);
    }
    const first = list({});
    const second = list({ pageToken: first.nextPageToken });
    expect(second.names).toHaveLength(1);
    expect(second.nextPageToken).toBeUndefined();
    expect(new Set([...first.names, ...second.names]).size).toBe(most + 1);
  });

  test('goes on with a token for two hours, and refuses it then by name', async () => {
    const { list, clock } = listed(3);
    const { nextPageToken: pageToken } = list({ pageSize: 2 });
    await clock.advanceBy(TWO_HOURS_MS);
    expect(list({ pageToken }).names).toHaveLength(1);
    await clock.advanceBy(1);
    expect(() => list({ pageToken })).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        details: [
          {
            type: 'google.rpc.BadRequest',
            value: {
              fieldViolations: [
                {
                  field: 'page_token',
                  description: 'The token is older than two hours; list from the beginning.',
                },
              ],
            },
          },
        ],
      }) as Error,
    );
  });
});

test('a page of large tasks is short, and all of them are on the pages', () => {
  const { engine, create, taskName } = startEngine();
  engine.queues.pause(QUEUE);
  const ids = Array.from({ length: 70 }, (_, index) => `t${index}`);
  const body = new Uint8Array(1_000_000);
  for (const id of ids) create(id, { target: { kind: 'http', url: 'http://127.0.0.1:9/', body } });
  const first = engine.tasks.list(QUEUE);
  const second = engine.tasks.list(QUEUE, { pageToken: first.nextPageToken });
  const third = engine.tasks.list(QUEUE, { pageToken: second.nextPageToken });
  expect([first, second, third].map(({ tasks: page }) => page.length)).toEqual([32, 32, 6]);
  expect(namesOf([...first.tasks, ...second.tasks, ...third.tasks])).toEqual(ids.map(taskName));
  expect(third.nextPageToken).toBeUndefined();
});

import { describe, expect, test } from 'vitest';
import { Production, type Warning } from '../../../emulator/engine/production.ts';
import type { TaskInput } from '../../../emulator/core/input.ts';
import { LOCATION, QUEUE } from '../samples.ts';
import { startEngine } from './fixture.ts';

const ACCOUNT = 'tasks@my-project.iam.gserviceaccount.com';
const WITH_TOKEN: TaskInput = {
  target: { kind: 'http', url: 'http://x/', authorization: { kind: 'oidc', serviceAccountEmail: ACCOUNT } },
};

function start(profile: 'local' | 'strict') {
  const warnings: Warning[] = [];
  const production = new Production({ profile, onWarning: (warning) => warnings.push(warning) });
  return {
    ...startEngine({ production }),
    production,
    kinds: () => warnings.map(({ kind }) => kind),
    warnings,
  };
}

describe('strict', () => {
  test('does not know a queue in its first minute', async () => {
    const { create, clock } = start('strict');
    expect(() => create('a')).toThrow('Queue does not exist. If you just created the queue');
    await clock.advanceBy(60_000);
    create('a');
  });

  test('knows at once the queues that were there before', () => {
    const { create, production } = start('strict');
    production.queuesAreKnown();
    create('a');
  });

  test('refuses a token over http and keeps nothing of the task', async () => {
    const { create, clock, engine } = start('strict');
    await clock.advanceBy(60_000);
    expect(() => create('a', WITH_TOKEN)).toThrow("HttpRequest.url must start with 'https://'");
    expect(engine.tasks.list(QUEUE).tasks).toEqual([]);
  });

  test('refuses the name of a queue for seven days after its end', async () => {
    const { clock, engine } = start('strict');
    engine.queues.delete(QUEUE);
    const again = () => engine.queues.create(LOCATION, { name: QUEUE });
    await clock.advanceBy(7 * 86_400_000 - 1);
    expect(again).toThrow('existed too recently');
    await clock.advanceBy(1);
    again();
  });
});

describe('local', () => {
  test('takes all of it, and warns once of each kind and queue in the words of the service', () => {
    const { create, engine, kinds, warnings } = start('local');
    create('a', WITH_TOKEN);
    create('b', WITH_TOKEN);
    engine.queues.delete(QUEUE);
    engine.queues.create(LOCATION, { name: QUEUE });
    create('c');
    expect(kinds()).toEqual(['queue-just-created', 'token-over-http', 'queue-name-reused']);
    expect(warnings[1]?.message).toBe(
      'my-queue: the service would refuse this with INVALID_ARGUMENT: ' +
        "HttpRequest.url must start with 'https://' for request with HttpRequest.authorization_header",
    );
  });

  test('warns of names that count up and of bodies of no type', () => {
    const { create, production, kinds } = start('local');
    production.queuesAreKnown();
    create('page-1');
    create('page-2', { target: { kind: 'http', url: 'http://x/', body: Uint8Array.of(1) } });
    create('page-3');
    expect(kinds()).toEqual(['no-content-type', 'sequential-names']);
  });
});

describe('quotas', () => {
  const run = ({ engine, taskName }: ReturnType<typeof start>, times: number): void => {
    for (let n = 0; n < times; n += 1) engine.tasks.run(taskName('t'));
  };

  test('strict refuses the 61st RunTask of a minute, and takes one as soon as one is a minute old', async () => {
    const fixture = start('strict');
    fixture.production.queuesAreKnown();
    fixture.create('t');
    run(fixture, 1);
    await fixture.clock.advanceBy(30_000);
    run(fixture, 59);
    expect(() => run(fixture, 1)).toThrow(expect.objectContaining({ code: 'RESOURCE_EXHAUSTED' }));
    await fixture.clock.advanceBy(30_000);
    run(fixture, 1);
    expect(() => run(fixture, 1)).toThrow(expect.objectContaining({ code: 'RESOURCE_EXHAUSTED' }));
  });

  test('local lets it through, and warns once', () => {
    const fixture = start('local');
    fixture.create('t');
    run(fixture, 60);
    expect(fixture.kinds()).not.toContain('quota-run-task');
    run(fixture, 2);
    expect(fixture.kinds().filter((kind) => kind === 'quota-run-task')).toHaveLength(1);
  });

  test('strict refuses the eleventh lease of a second from a queue, and takes one in the next second', async () => {
    const { engine, clock } = startEngine({
      queue: { isPull: true },
      production: new Production({ profile: 'strict' }),
    });
    const lease = (): unknown => engine.leases.lease(QUEUE, { maxTasks: 1, leaseMs: 60_000, filter: '' });
    for (let n = 0; n < 10; n += 1) expect(lease()).toEqual([]);
    expect(lease).toThrow(expect.objectContaining({ code: 'RESOURCE_EXHAUSTED' }));
    await clock.advanceBy(1000);
    expect(lease()).toEqual([]);
  });
});

import type { Firestore } from '@google-cloud/firestore';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { iterativeTask, task } from '../../../lib/core/definition.ts';

const params = z.object({ program: z.string(), since: z.coerce.date().default(new Date(0)) });
const query = (_: unknown, db: Firestore) => db.collection('students');

describe('task', () => {
  test('infers the parameters of its handler from the schema', () => {
    const sendMail = task({
      name: 'send-mail',
      queue: 'mail',
      params,
      run(given, ctx) {
        expectTypeOf(given).toEqualTypeOf<{ program: string; since: Date }>();
        expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>();
      },
    });
    expect(sendMail).toMatchObject({ kind: 'task', timeoutSeconds: 60 });
  });

  test.each([
    [{ name: 'Send Mail' }, 'Task "Send Mail" is also a function name: use lower-case letters'],
    [{ name: undefined }, 'Task undefined is also a function name'],
    [{ queue: 'my_queue' }, 'has queue "my_queue": a queue id has 1 to 100 letters'],
    [{ queue: undefined }, 'has queue undefined: a queue id'],
    [{ queue: 7 }, 'has queue 7: a queue id'],
    [{ params: {} }, 'has no zod schema as params'],
    [{ timeoutSeconds: 5 }, 'has timeoutSeconds 5: Cloud Tasks takes whole seconds from 15 to 1800'],
    [{ run: undefined }, 'has no run'],
    [{ timeoutseconds: 30 }, 'has "timeoutseconds", which is not known: write timeoutSeconds.'],
    [
      { pageSize: 5 },
      'has "pageSize", which is not known: write one of name, queue, params, timeoutSeconds, run',
    ],
  ])('refuses %j when the module loads', (fault, message) => {
    const good = { name: 'send-mail', queue: 'mail', params, run: () => {} };
    expect(() => task({ ...good, ...fault } as typeof good)).toThrow(message);
  });
});

describe('iterativeTask', () => {
  test('infers parameters and documents of its handlers', () => {
    const walk = iterativeTask({
      name: 'walk',
      queue: 'iterate',
      params,
      query: (given, db) => {
        expectTypeOf(given.program).toBeString();
        return db.collection('students').where('program', '==', given.program);
      },
      page(documents, ctx) {
        expectTypeOf(documents[0]?.id).toEqualTypeOf<string | undefined>();
        expectTypeOf(ctx.params.since).toEqualTypeOf<Date>();
      },
    });
    expect(walk).toMatchObject({ kind: 'iterative', pageSize: 100 });
  });

  test.each([
    [{}, 'needs exactly one of page(documents, ctx) and each(document, ctx)'],
    [{ page: () => {}, each: () => {} }, 'needs exactly one of'],
    [{ page: () => {}, pageSize: 0 }, 'has pageSize 0: write a whole number from 1 to 1000'],
    [{ page: () => {}, pageSize: 1001 }, 'has pageSize 1001'],
    [{ page: () => {}, query: undefined }, 'has no query'],
    [
      { page: () => {}, onOtherVersion: 'fail' },
      'has onOtherVersion and no version: write version, such as 1',
    ],
    [{ page: () => {}, version: 1, onOtherVersion: 'stop' }, `has onOtherVersion "stop": write 'continue'`],
    [{ page: () => {}, repeat: { after: 0 } }, 'has repeat.after 0: write seconds from 1 to 2592000'],
    [{ page: () => {}, pagesize: 5 }, 'has "pagesize", which is not known: write pageSize.'],
    [{ page: () => {}, oncomplete: () => {} }, 'has "oncomplete", which is not known: write onComplete.'],
    [{ page: () => {}, exclusive: 'no' }, 'has exclusive "no": write true or false'],
    [{ page: () => {}, waitForChildren: 1 }, 'has waitForChildren 1: write true or false'],
    [{ page: () => {}, countTotal: null }, 'has countTotal null: write true or false'],
    [{ page: () => {}, version: '' }, 'has version "": write a number or up to 100 characters'],
  ])('refuses %j when the module loads', (fault, message) => {
    const good = { name: 'walk', queue: 'iterate', params, query };
    expect(() => iterativeTask({ ...good, ...fault } as typeof good)).toThrow(message);
  });

  test('takes a task that it gave itself, changed in places, and undefined for what is not given', () => {
    const page = () => {};
    const onError = { documents: 'quarantine', run: () => {} } as const;
    const walk = iterativeTask({ name: 'walk', queue: 'iterate', params, query, page, onError });
    const others = { ...walk, exclusive: undefined } as unknown as typeof walk;
    expect(iterativeTask({ ...others, name: 'other' })).toMatchObject({
      name: 'other',
      onFailed: expect.any(Function),
    });
  });
});

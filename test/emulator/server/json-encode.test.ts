import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { messageFromJson } from '../../../emulator/server/json-decode.ts';
import { messageToJson } from '../../../emulator/server/json-encode.ts';
import { queueV2Type, type Plain } from '../../../emulator/server/schema.ts';
import { taskType } from './types.ts';

const names = { enumsAsNumbers: false };

describe('a message as JSON', () => {
  test('has camelCase names, enums by name, bytes in base64, times and durations as text', () => {
    const task = {
      name: 'n',
      httpRequest: { url: 'u', httpMethod: 'PUT', headers: { 'x-A': 'b' }, body: Buffer.from([0xfb, 0xff]) },
      scheduleTime: { seconds: 1_700_000_000, nanos: 123_456_000 },
      dispatchDeadline: { seconds: 600, nanos: 0 },
      dispatchCount: 3,
      view: 'FULL',
    };
    expect(messageToJson(taskType, task, names)).toEqual({
      name: 'n',
      httpRequest: { url: 'u', httpMethod: 'PUT', headers: { 'x-A': 'b' }, body: '+/8=' },
      scheduleTime: '2023-11-14T22:13:20.123456Z',
      dispatchDeadline: '600s',
      dispatchCount: 3,
      view: 'FULL',
    });
  });

  test('has 64-bit numbers as text, as the rules of proto3 want it', () => {
    const queue = { httpTarget: { uriOverride: { port: 8080 } }, retryConfig: { maxAttempts: 3 } };
    expect(messageToJson(queueV2Type, queue, names)).toEqual({
      httpTarget: { uriOverride: { port: '8080' } },
      retryConfig: { maxAttempts: 3 },
    });
  });

  test('has enums as numbers when asked', () => {
    const task = { view: 'BASIC', httpRequest: { httpMethod: 'POST' } };
    expect(messageToJson(taskType, task, { enumsAsNumbers: true })).toEqual({
      view: 1,
      httpRequest: { httpMethod: 1 },
    });
  });

  test('has nothing where a field holds its default', () => {
    const task = {
      name: '',
      dispatchCount: 0,
      view: 'VIEW_UNSPECIFIED',
      httpRequest: { url: '', httpMethod: 'HTTP_METHOD_UNSPECIFIED', headers: {}, body: Buffer.alloc(0) },
      firstAttempt: null,
      lastAttempt: undefined,
    };
    expect(messageToJson(taskType, task, names)).toEqual({ httpRequest: {} });
  });

  test('has a time or a duration of zero when it is there', () => {
    expect(messageToJson(taskType, { createTime: {}, dispatchDeadline: { seconds: 0 } }, names)).toEqual({
      createTime: '1970-01-01T00:00:00Z',
      dispatchDeadline: '0s',
    });
  });

  test('has of bytes those that are in view, not those around them', () => {
    const body = Uint8Array.of(1, 2, 3, 4).subarray(1, 3);
    expect(messageToJson(taskType, { httpRequest: { body } }, names)).toEqual({
      httpRequest: { body: 'AgM=' },
    });
  });

  test('is read back as it was, enums by name or number', () => {
    const positive = { min: 1, max: 2 ** 31 - 1 };
    const duration = fc.record({ seconds: fc.nat(1e9), nanos: fc.nat(999_999_999) });
    const queue: fc.Arbitrary<Plain> = fc.record({
      name: fc.string({ minLength: 1 }),
      state: fc.constantFrom('RUNNING', 'PAUSED', 'DISABLED'),
      rateLimits: fc.record({
        maxDispatchesPerSecond: fc.double({ min: 0.001, max: 500, noNaN: true }),
        maxConcurrentDispatches: fc.integer(positive),
      }),
      retryConfig: fc.record({
        maxAttempts: fc.integer(positive),
        minBackoff: duration,
        maxBackoff: duration,
      }),
      purgeTime: duration,
    });
    fc.assert(
      fc.property(queue, fc.boolean(), (queue, enumsAsNumbers) => {
        const text = JSON.stringify(messageToJson(queueV2Type, queue, { enumsAsNumbers }));
        expect(messageFromJson(queueV2Type, JSON.parse(text))).toEqual(queue);
      }),
    );
  });
});

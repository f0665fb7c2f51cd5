import { describe, expect, test } from 'vitest';
import { messageFromJson } from '../../../emulator/server/json-decode.ts';
import { queueV2Type } from '../../../emulator/server/schema.ts';
import { requestType, taskType } from './types.ts';

const TYPES = 'type.googleapis.com/google';

/** The faults that are found, each with the path of its field. */
function faultsOf(...args: Parameters<typeof messageFromJson>): { field: string; description: string }[] {
  try {
    messageFromJson(...args);
  } catch (error) {
    const { code, message, details } = error as {
      code: string;
      message: string;
      details: { type: string; value: { fieldViolations: { field: string; description: string }[] } }[];
    };
    const faults = details[0]?.value.fieldViolations ?? [];
    expect({ code, message, type: details[0]?.type }).toEqual({
      code: 'INVALID_ARGUMENT',
      message: faults.map(({ description }) => description).join('\n'),
      type: 'google.rpc.BadRequest',
    });
    return faults;
  }
  return [];
}

describe('a message in JSON', () => {
  test.each([
    ['camelCase', { rateLimits: { maxDispatchesPerSecond: 5 }, retryConfig: { minBackoff: '0.1s' } }],
    ['snake_case', { rate_limits: { max_dispatches_per_second: 5 }, retry_config: { min_backoff: '0.1s' } }],
  ])('may have its names in %s', (_, json) => {
    expect(messageFromJson(queueV2Type, json)).toEqual({
      rateLimits: { maxDispatchesPerSecond: 5 },
      retryConfig: { minBackoff: { seconds: 0, nanos: 100_000_000 } },
    });
  });

  test.each(['PUT', 4, '4'])('may have the enum PUT as %j', (httpMethod) => {
    expect(messageFromJson(taskType, { httpRequest: { httpMethod } })).toEqual({
      httpRequest: { httpMethod: 'PUT' },
    });
  });

  test.each([
    [{ maxAttempts: '-1' }, { maxAttempts: -1 }],
    [{ maxAttempts: 5.0 }, { maxAttempts: 5 }],
    [{ maxAttempts: '1e2' }, { maxAttempts: 100 }],
  ])('may have whole numbers as in %j', (retryConfig, expected) => {
    expect(messageFromJson(queueV2Type, { retryConfig })).toEqual({ retryConfig: expected });
  });

  test.each(['0.5', '.5', '5e-1', 0.5])('may have the fraction of a half as %j', (samplingRatio) => {
    expect(messageFromJson(queueV2Type, { stackdriverLoggingConfig: { samplingRatio } })).toEqual({
      stackdriverLoggingConfig: { samplingRatio: 0.5 },
    });
  });

  test.each(['+/+/YQ==', '+/+/YQ', '-_-_YQ==', '-_-_YQ'])('may have bytes as %s', (body) => {
    const message = messageFromJson(taskType, { httpRequest: { body } });
    expect(message).toEqual({ httpRequest: { body: Buffer.from([0xfb, 0xff, 0xbf, 0x61]) } });
  });

  test('has no field where JSON has null, and none for an Any', () => {
    const json = { name: null, lastAttempt: { responseStatus: { details: [{ '@type': 'x' }], code: 5 } } };
    expect(messageFromJson(taskType, json)).toMatchObject({ lastAttempt: { responseStatus: { code: 5 } } });
    expect(messageFromJson(taskType, json)).not.toHaveProperty('name');
  });

  test('has the paths of a mask apart, and one value of a list without the list', () => {
    expect(
      messageFromJson(requestType('UpdateQueue'), { updateMask: 'rateLimits,retry_config.max_attempts' }),
    ).toEqual({ updateMask: { paths: ['rateLimits', 'retry_config.max_attempts'] } });
    expect(messageFromJson(requestType('TestIamPermissions'), { permissions: 'a' })).toEqual({
      permissions: ['a'],
    });
  });

  test('keeps the keys of a map as they are', () => {
    const headers: Record<string, string> = JSON.parse(
      '{"x-Snake_case":"1","__proto__":"2","constructor":"3"}',
    );
    const message = messageFromJson(taskType, { httpRequest: { headers } });
    const decoded = (message['httpRequest'] as { headers: object }).headers;
    expect(Object.entries(decoded)).toEqual(Object.entries(headers));
  });
});

describe('a fault in JSON', () => {
  test.each([
    ['maxAttempts', 1.5, 'TYPE_INT32', 'max_attempts'],
    ['maxAttempts', 2 ** 31, 'TYPE_INT32', 'max_attempts'],
    ['maxAttempts', '', 'TYPE_INT32', 'max_attempts'],
    ['maxAttempts', true, 'TYPE_INT32', 'max_attempts'],
    ['maxAttempts', { a: 1 }, 'TYPE_INT32', 'max_attempts'],
    ['minBackoff', 1, `${TYPES}.protobuf.Duration`, 'min_backoff'],
    ['minBackoff', '1', `${TYPES}.protobuf.Duration`, 'min_backoff'],
  ])('in %s, given as %j, is told with its value', (name, value, type, snakeName) => {
    const path = `retry_config.${snakeName}`;
    expect(faultsOf(queueV2Type, { retryConfig: { [name]: value } })).toEqual([
      { field: path, description: `Invalid value at '${path}' (${type}), ${JSON.stringify(value)}` },
    ]);
  });

  test.each([
    [{ name: 5 }, 'name', 'TYPE_STRING', '5'],
    [
      { scheduleTime: '2026-02-30T00:00:00Z' },
      'schedule_time',
      `${TYPES}.protobuf.Timestamp`,
      '"2026-02-30T00:00:00Z"',
    ],
    [{ httpRequest: { body: 'a' } }, 'http_request.body', 'TYPE_BYTES', '"a"'],
    [{ httpRequest: { body: '%%%%' } }, 'http_request.body', 'TYPE_BYTES', '"%%%%"'],
    [
      { httpRequest: { httpMethod: 'post' } },
      'http_request.http_method',
      `${TYPES}.cloud.tasks.v2.HttpMethod`,
      '"post"',
    ],
    [
      { httpRequest: { httpMethod: 99 } },
      'http_request.http_method',
      `${TYPES}.cloud.tasks.v2.HttpMethod`,
      '99',
    ],
    [
      { httpRequest: { httpMethod: 'toString' } },
      'http_request.http_method',
      `${TYPES}.cloud.tasks.v2.HttpMethod`,
      '"toString"',
    ],
    [{ httpRequest: 'x' }, 'http_request', `${TYPES}.cloud.tasks.v2.HttpRequest`, '"x"'],
    [{ httpRequest: { headers: [] } }, 'http_request.headers', 'Map', '[]'],
    [{ httpRequest: { headers: { a: 1 } } }, 'http_request.headers["a"]', 'TYPE_STRING', '1'],
  ])('%j names %s', (json, field, type, echo) => {
    expect(faultsOf(taskType, json)).toEqual([
      { field, description: `Invalid value at '${field}' (${type}), ${echo}` },
    ]);
  });

  test('says where it is in a list, and where a list may not be', () => {
    expect(faultsOf(requestType('TestIamPermissions'), { permissions: ['a', 1] })).toEqual([
      { field: 'permissions[1]', description: "Invalid value at 'permissions[1]' (TYPE_STRING), 1" },
    ]);
    expect(faultsOf(queueV2Type, { retryConfig: { maxAttempts: [1] } })).toEqual([
      {
        field: 'retry_config.max_attempts',
        description:
          'Invalid JSON payload received. Unknown name "maxAttempts" at \'retry_config\': Proto field is not repeating, cannot start list.',
      },
    ]);
  });

  test('of a payload that is given twice names both', () => {
    const json = { task: { httpRequest: { url: 'x' }, appEngineHttpRequest: {} } };
    expect(faultsOf(requestType('CreateTask'), json)).toEqual([
      {
        field: 'task',
        description:
          "Invalid value at 'task' (oneof), oneof field 'message_type' is already set. Cannot set 'appEngineHttpRequest'",
      },
    ]);
  });

  test.each([5, 'x', [], true])('that makes a whole message %j is told', (json) => {
    expect(faultsOf(taskType, json)).toEqual([
      { field: '', description: `Invalid value (${TYPES}.cloud.tasks.v2.Task), ${JSON.stringify(json)}` },
    ]);
  });

  test('is found along with all others, under the path that the caller stands at', () => {
    const json = { name: 1, httpRequest: { url: 2 }, extra: 3 };
    expect(faultsOf(taskType, json, { path: 'task' }).map(({ field }) => field)).toEqual([
      'task.name',
      'task.http_request.url',
      'task',
    ]);
  });
});

describe('a name that nothing goes by', () => {
  test.each(['htpRequest', '__proto__', 'constructor', 'toString'])('such as %s is refused', (name) => {
    const json: unknown = JSON.parse(`{"task":{"${name}":1}}`);
    expect(faultsOf(requestType('CreateTask'), json)).toEqual([
      {
        field: 'task',
        description: `Invalid JSON payload received. Unknown name "${name}" at 'task': Cannot find field.`,
      },
    ]);
  });

  test('is told in other words when it stands in a query', () => {
    expect(faultsOf(requestType('ListTasks'), { pagesize: '5' }, { source: 'query' })).toEqual([
      {
        field: '',
        description:
          'Invalid JSON payload received. Unknown name "pagesize": Cannot bind query parameter. Field \'pagesize\' could not be found in request message.',
      },
    ]);
  });

  test('is not echoed without end, and not more than twenty of them', () => {
    const json = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`${'x'.repeat(1000)}${index}`, 1]),
    );
    const faults = faultsOf(taskType, json);
    expect(faults).toHaveLength(20);
    for (const { description } of faults) expect(description.length).toBeLessThan(300);
  });
});

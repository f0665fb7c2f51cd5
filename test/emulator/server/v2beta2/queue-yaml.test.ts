import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiError } from '../../../../emulator/core/errors.ts';
import { queuesAfterUpload } from '../../../../emulator/core/queue-file.ts';
import { queueFileFromYaml } from '../../../../emulator/server/v2beta2/queue-yaml.ts';

const read = (text: string): ReturnType<typeof queueFileFromYaml> => queueFileFromYaml(Buffer.from(text));

/** Matches the refusal of a file: its text, and the field that its details name. */
function refusal(message: string, field?: string): unknown {
  return expect.objectContaining({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(`Invalid queue configuration. ${message}`),
    ...(field !== undefined && {
      details: [
        {
          type: 'google.rpc.BadRequest',
          value: {
            fieldViolations: [{ field: `http_body.data.${field}`, description: expect.any(String) }],
          },
        },
      ],
    }),
  });
}

test('every field of a push queue and of a pull queue is read', () => {
  const text = `
application: my-app
total_storage_limit: 120M
resume_paused_queues: False
queue:
- name: on # a text, whatever YAML makes of the word
  mode: push
  rate: 30/m
  bucket_size: 40
  max_concurrent_requests: 10
  target: v2.task-module
  retry_parameters:
    task_retry_limit: 7
    task_age_limit: 1.5d
    min_backoff_seconds: 0.25
    max_backoff_seconds: 200
    max_doublings: 0
- name: pulled
  mode: pull
  acl:
  - user_email: bar@foo.com
  - writer_email: user@gmail.com
  retry_parameters: {task_retry_limit: 3}
`;
  expect(read(text)).toEqual({
    resumesPaused: false,
    queues: [
      {
        id: 'on',
        isPull: false,
        ratePerSecond: 0.5,
        bucketSize: 40,
        maxConcurrentRequests: 10,
        routing: { service: 'task-module', version: 'v2' },
        retry: {
          limit: 7,
          ageLimitMs: 129_600_000,
          minBackoffMs: 250,
          maxBackoffMs: 200_000,
          maxDoublings: 0,
        },
      },
      { id: 'pulled', isPull: true, retry: { limit: 3 } },
    ],
  });
});

test.each([
  ['0', 0],
  ['0/s', 0],
  ['500/s', 500],
  ['36./h', 0.01],
  ['864/d', 0.01],
])('a rate of %s is %d a second', (rate, perSecond) => {
  expect(read(`queue:\n- name: a\n  rate: ${rate}`).queues[0]?.ratePerSecond).toBe(perSecond);
});

test('a file without queues is one, and disables all', () => {
  expect(read('queue:').queues).toEqual([]);
  expect(read('queue: []').queues).toEqual([]);
});

describe('a file is refused with its line and field', () => {
  const push = 'queue:\n- name: a\n  rate: 1/s\n';
  const pull = 'queue:\n- name: a\n  mode: pull\n';
  test.each([
    ['', 'Empty queue configuration'],
    ['# nothing\n', 'Empty queue configuration'],
    ['queue:\n- name: a\n rate: 5/s\n', 'Line 3: Sequence item without - indicator'],
    ['queue: "a', 'Line 1: Missing closing "quote'],
    ['queue:\n---\nqueue:\n', 'Line 2: Multiple documents'],
    ['queue:\n- &x\n  name: a\n- *x\n', 'Line 3: Anchors and aliases are not supported'],
    [`${push}- *x\n`, 'Line 4: '],
    [`${push}  rate: 2/s\n`, 'Line 4: "rate" is there twice'],
    ['? [a]\n: b\n', 'Line 1: A key must be a plain word'],
    ['- name: a\n', 'Line 1: Write "queue:" with a list of queues', undefined],
    ['queue: 5\n', 'Line 1, queue: Write a list of queues', 'queue'],
    ['queues:\n', 'Line 1, queues: There is no such field', 'queues'],
    ['queue:\n- rate: 1/s\n', 'Line 2, queue[0].name: Write a name', 'queue[0].name'],
    ['queue:\n- name: a_b\n', 'Line 2, queue[0].name: Write a name of 1 to 100 letters', 'queue[0].name'],
    [`${push}- name: a\n  rate: 1/s\n`, 'Line 4, queue[1].name: "a" is there twice', 'queue[1].name'],
    ['queue:\n- name: a\n', 'Line 2, queue[0].rate: Refill rate must be specified', 'queue[0].rate'],
    ['queue:\n- name: a\n  rate: 5\n', 'Line 3, queue[0].rate: Write a number of tasks', 'queue[0].rate'],
    ['queue:\n- name: a\n  rate: 501/s\n', 'Line 3, queue[0].rate: Refill rate must not exceed 500'],
    [`${push}  buckets: 5\n`, 'Line 4, queue[0].buckets: There is no such field', 'queue[0].buckets'],
    [`${push}  bucket_size: x\n`, 'Line 4, queue[0].bucket_size: Write a whole number'],
    [`${push}  bucket_size: 501\n`, 'Line 4, queue[0].bucket_size: Maximum bucket size is 500'],
    [`${push}  mode: both\n`, 'Line 4, queue[0].mode: Write push or pull'],
    [`${push}  target: a.b.c\n`, 'Line 4, queue[0].target: Write the name of a service'],
    [`${push}  acl: me\n`, 'Line 4, queue[0].acl: '],
    [`${push}  retry_parameters: 5\n`, 'Line 4, queue[0].retry_parameters: Write fields'],
    [
      `${push}  retry_parameters:\n    task_retry_limit: -1\n`,
      'Line 5, queue[0].retry_parameters.task_retry_limit: Task retry limit must not be less than zero',
      'queue[0].retry_parameters.task_retry_limit',
    ],
    [
      `${push}  retry_parameters:\n    task_age_limit: 0s\n`,
      'Line 5, queue[0].retry_parameters.task_age_limit: Task age limit must be greater than zero',
    ],
    [
      `${push}  retry_parameters:\n    min_backoff_seconds: 9\n    max_backoff_seconds: 8\n`,
      'Line 5, queue[0].retry_parameters: Min backoff sec must not be greater',
    ],
    [`${pull}  rate: 1/s\n`, 'Line 4, queue[0].rate: rate must not be specified for pull-based queue'],
    [
      `${pull}  retry_parameters:\n    max_doublings: 1\n`,
      "Line 5, queue[0].retry_parameters.max_doublings: Can't specify max_doublings for a pull queue",
    ],
    [`total_storage_limit: much\n`, 'Line 1, total_storage_limit: Write a number and B, K, M, G or T'],
  ] as [text: string, message: string, field?: string][])('%j', (text, message, field) => {
    expect(() => read(text)).toThrow(refusal(message, field));
  });

  test.each([
    ['that is too large', 'a'.repeat(128 * 1024 + 1), 'The file has 131073 bytes'],
    ['that is nested deep in flow', '['.repeat(100_000), 'Line 1: It is nested too deep'],
    ['that is nested deep in blocks', '- '.repeat(60_000), 'Line 1: It is nested too deep'],
    ['that is nested deep in keys', '? '.repeat(60_000), 'Line 1: It is nested too deep'],
  ])('one %s', (_, text, message) => {
    expect(() => read(text)).toThrow(refusal(message));
  });

  test('one that is no UTF-8', () => {
    expect(() => queueFileFromYaml(Buffer.from([0x71, 0xff]))).toThrow(refusal('The file is no UTF-8 text'));
  });
});

test('whatever a file holds, it is read and makes queues, or is refused with INVALID_ARGUMENT', () => {
  // Pieces of YAML and of queue.yaml, so that many files nearly are one.
  const piece = fc.constantFrom(
    ...'queue: |- name: a|  rate: 5/s|  rate: 0|  mode: pull|  bucket_size: 7|  max_concurrent_requests: -1'.split(
      '|',
    ),
    ...'  target: v.s|  retry_parameters:|    task_retry_limit: 3|    min_backoff_seconds: 1e9|    max_doublings: 0'.split(
      '|',
    ),
    ...'total_storage_limit: 1M|resume_paused_queues: False|---|...|%YAML 1.2|&a|*a|!!binary|"|\'|[|]|{|}|: |? |- |>|# x|\t'.split(
      '|',
    ),
  );
  const file = fc.oneof(
    fc
      .array(fc.oneof({ weight: 4, arbitrary: piece }, fc.string({ unit: 'grapheme' })))
      .map((lines) => lines.join('\n')),
    fc.json(),
  );
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        file.map((text) => Buffer.from(text)),
        fc.uint8Array(),
      ),
      (bytes) => {
        try {
          const queues = queuesAfterUpload('projects/p/locations/l', [], queueFileFromYaml(bytes));
          accepted += queues.length + 1;
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
          expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
        }
      },
    ),
    { numRuns: 1000, examples: [[Buffer.from('queue:\n- name: a\n  rate: 5/s')]] },
  );
  expect(accepted).toBeGreaterThan(0);
});

test('the rates of all queues together may be 500 a second, and no more', () => {
  const file = (...rates: string[]): string =>
    `queue:\n${rates.map((rate, index) => `- name: q${index}\n  rate: ${rate}\n`).join('')}- name: p\n  mode: pull\n`;
  expect(read(file('250/s', '249/s', '20/m', '20/m', '20/m')).queues).toHaveLength(6);
  expect(() => read(file('250/s', '250/s', '3/m'))).toThrow(
    refusal(
      'Line 2, queue: The rates of all queues together must not exceed 500 per second; they are 500.05 per second.',
      'queue',
    ),
  );
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../config/config-error.ts';
import { loadConfig } from '../../config/load.ts';
import { loadQueueFiles, parseQueueFile } from '../../config/queue-files.ts';
import { temporaryFolder } from '../support/config-file.ts';

const described = `appEngineRoutingOverride:
  service: worker
httpTarget:
  headerOverrides:
  - header:
      key: X-A
      value: b
  uriOverride:
    host: my.app
    port: '8080'
name: projects/p/locations/us-central1/queues/mail
purgeTime: '2026-11-25T10:00:00.123456Z'
rateLimits:
  maxBurstSize: 10
  maxConcurrentDispatches: 2
  maxDispatchesPerSecond: 0.5
retryConfig:
  maxAttempts: -1
  maxBackoff: 3600s
  maxDoublings: 16
  minBackoff: 0.100s
stackdriverLoggingConfig:
  samplingRatio: 0.25
state: PAUSED
`;

const mail = {
  name: 'mail',
  appEngineRoutingOverride: { service: 'worker' },
  httpTarget: {
    headerOverrides: [{ header: { key: 'X-A', value: 'b' } }],
    uriOverride: { host: 'my.app', port: '8080' },
  },
  rateLimits: { maxBurstSize: 10, maxConcurrentDispatches: 2, maxDispatchesPerSecond: 0.5 },
  retryConfig: { maxAttempts: -1, maxBackoff: '3600s', maxDoublings: 16, minBackoff: '0.100s' },
  stackdriverLoggingConfig: { samplingRatio: 0.25 },
  state: 'PAUSED',
};

describe('a queue file', () => {
  test('is a list under "queues", in YAML or JSON', () => {
    const queues = [{ name: 'mail', retryConfig: { maxAttempts: 3 } }, { name: 'on' }];
    expect(parseQueueFile(JSON.stringify({ queues }), 'f')).toEqual(queues);
    const yaml = '# ours\nqueues:\n  - name: mail\n    retryConfig: { maxAttempts: 3 }\n  - name: on\n';
    expect(parseQueueFile(yaml, 'f')).toEqual(queues);
  });

  test('is what `gcloud tasks queues describe` prints', () => {
    expect(parseQueueFile(described, 'f')).toEqual([mail]);
    expect(
      parseQueueFile(JSON.stringify({ ...mail, name: 'projects/p/locations/l/queues/mail' }), 'f'),
    ).toEqual([mail]);
  });

  test('is what `gcloud tasks queues list` prints, with --format=yaml or json', () => {
    const second = 'name: projects/p/locations/us-central1/queues/other\nstate: RUNNING\n';
    const other = { name: 'other', state: 'RUNNING' };
    expect(parseQueueFile(`---\n${described}---\n${second}`, 'f')).toEqual([mail, other]);
    const json = JSON.stringify([{ ...other, name: 'projects/p/locations/l/queues/other' }]);
    expect(parseQueueFile(json, 'f')).toEqual([other]);
  });

  test('is what `gcloud beta tasks queues describe` prints', () => {
    const queue = {
      name: 'projects/p/locations/l/queues/q',
      appEngineHttpQueue: { appEngineRoutingOverride: { service: 's' } },
      taskTtl: '2678400s',
      tombstoneTtl: '3600s',
      type: 'PUSH',
    };
    expect(parseQueueFile(JSON.stringify(queue), 'f')).toEqual([
      {
        name: 'q',
        appEngineRoutingOverride: { service: 's' },
        taskTtl: '2678400s',
        tombstoneTtl: '3600s',
        type: 'PUSH',
      },
    ]);
  });

  test('is a state of Terraform, of which the queues are taken', () => {
    const attributes = {
      id: 'projects/p/locations/l/queues/mail',
      name: 'mail',
      location: 'us-central1',
      project: 'p',
      timeouts: null,
      desired_state: 'PAUSED',
      app_engine_routing_override: [{ host: '', instance: '', service: 'worker', version: '' }],
      rate_limits: [{ max_burst_size: 10, max_concurrent_dispatches: 2, max_dispatches_per_second: 0.5 }],
      retry_config: [
        {
          max_attempts: -1,
          max_backoff: '3600s',
          max_doublings: 16,
          max_retry_duration: '',
          min_backoff: '0.100s',
        },
      ],
      stackdriver_logging_config: [{ sampling_ratio: 0.25 }],
      http_target: [
        {
          http_method: '',
          header_overrides: [{ header: [{ key: 'X-A', value: 'b' }] }],
          oauth_token: [],
          oidc_token: [],
          uri_override: [
            {
              host: 'my.app',
              port: '8080',
              scheme: null,
              path_override: [],
              query_override: [],
              uri_override_enforce_mode: '',
            },
          ],
        },
      ],
    };
    const plain = { name: 'plain', rate_limits: [], app_engine_routing_override: [], http_target: [] };
    const state = {
      version: 4,
      terraform_version: '1.9.0',
      resources: [
        { mode: 'managed', type: 'google_storage_bucket', instances: [{ attributes: { name: 'b' } }] },
        { mode: 'data', type: 'google_cloud_tasks_queue', instances: [{ attributes: { name: 'no' } }] },
        {
          mode: 'managed',
          type: 'google_cloud_tasks_queue',
          instances: [{ attributes }, { attributes: plain }],
        },
      ],
    };
    expect(parseQueueFile(JSON.stringify(state, null, 2), 'f')).toEqual([mail, { name: 'plain' }]);
  });

  test.each([
    ['{"queues": [', /line 1, column 13: Unexpected end of the file/],
    ['queues:\n  - name: a\n  name: b\n', /f cannot be used:\n {2}.*at line 3/],
    ['queues:\n  - name: a_b\n', /queues\[0\]\.name: "a_b" is wrong: a queue id has/],
    [
      'queues:\n  - name: a\n  - name: a\n',
      /queues\[1\]\.name: "a" is wrong: is the name of an earlier queue/,
    ],
    [
      'queues:\n  - name: a\n    rateLimit: {}\n',
      /queues\[0\]\.rateLimit: unknown key: did you mean rateLimits/,
    ],
    ['queues:\n  - name: a\n    rateLimits: { maxDispatchesPerSecond: 501 }\n', /501 is more than 500/],
    ['queues: []\nproject: p\n', /project: a queue file has "queues" alone/],
    ['queues:\n', /queues: null is not a list/],
    ['queue:\n- name: a\n  rate: 5/s\n', /this is App Engine's queue\.yaml: send it/],
    ['', /there are no queues in it: write "queues:"/],
    ['just text', /there are no queues in it/],
    ['{"version":3,"terraform_version":"0.11","resources":[]}', /a state of version 3; version 4 is read/],
    ['{"version":4,"terraform_version":"1.9","resources":[]}', /there is no google_cloud_tasks_queue in it/],
    ['['.repeat(20_000), /f cannot be used/],
    [`a: ${'['.repeat(20_000)}`, /f cannot be used/],
    ['a: &a [x]\n'.concat('b: [*a, *a]\n'.repeat(3)), /f cannot be used/],
  ])('that begins %.40j is refused with the reason', (text, message) => {
    expect(() => parseQueueFile(text, 'f')).toThrow(ConfigError);
    expect(() => parseQueueFile(text, 'f')).toThrow(message);
  });

  test('may be one of several, in which no queue is twice', async () => {
    const folder = temporaryFolder();
    const [a, b] = ['a.yaml', 'b.json'].map((name) => join(folder, name)) as [string, string];
    writeFileSync(a, 'queues: [{ name: mail }]');
    writeFileSync(b, '{"queues":[{"name":"other"}]}');
    expect(await loadQueueFiles([a, b])).toEqual([{ name: 'mail' }, { name: 'other' }]);
    writeFileSync(b, '{"queues":[{"name":"mail"}]}');
    await expect(loadQueueFiles([a, b])).rejects.toThrow(`queue mail is in ${a} already`);
    await expect(loadQueueFiles([join(folder, 'none')])).rejects.toThrow('there is no such file');
  });
});

describe('queueFiles of the configuration', () => {
  async function load(config: object, yaml: string): Promise<readonly string[]> {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'queues.yaml'), yaml);
    writeFileSync(join(folder, 'c.json'), JSON.stringify({ queueFiles: ['queues.yaml'], ...config }));
    return (await loadConfig(join(folder, 'c.json'))).queues.map(({ name }) => name);
  }

  test('stand beside it, and their queues beside its own', async () => {
    expect(await load({ queues: [{ name: 'own' }] }, 'queues: [{ name: mail }]')).toEqual(['own', 'mail']);
  });

  test('take the place of the queue that is there where none is named', async () => {
    expect(await load({}, 'queues: [{ name: mail }]')).toEqual(['mail']);
  });

  test('name no queue of its own again', async () => {
    await expect(load({ queues: [{ name: 'mail' }] }, 'queues: [{ name: mail }]')).rejects.toThrow(
      'queues: mail is in a file of queueFiles too',
    );
  });
});

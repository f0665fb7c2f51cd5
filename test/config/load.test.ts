import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError } from '../../config/config-error.ts';
import { loadConfig, parseConfig } from '../../config/load.ts';

function faultsOf(config: unknown): readonly string[] {
  try {
    parseConfig(typeof config === 'string' ? config : JSON.stringify(config));
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  throw new Error('The configuration was accepted.');
}

describe('parseConfig', () => {
  it('fills in the defaults', () => {
    expect(parseConfig('{}')).toEqual({
      project: 'demo-pageturner',
      location: 'us-central1',
      profile: 'local',
      followRedirects: false,
      traceContext: false,
      settings: {},
      ports: { tasks: 8123, firestore: 8080, functions: 8081, smtp: 1025 },
      queueFiles: [],
      queues: [{ name: 'default' }],
      rewrite: {},
    });
    expect(parseConfig('{"ports":{"tasks":0}}').ports).toEqual({
      tasks: 0,
      firestore: 8080,
      functions: 8081,
      smtp: 1025,
    });
  });

  it.each([
    [
      { appEngineUrl: 'nowhere' },
      'appEngineUrl: "nowhere" is wrong: write an address such as http://127.0.0.1:8080',
    ],
    [
      { appEngineUrl: { mail: 'nowhere' } },
      'appEngineUrl.mail: "nowhere" is wrong: write an address such as http://127.0.0.1:8080',
    ],
    [
      { publicUrl: 'ftp://a' },
      'publicUrl: "ftp://a" is wrong: write an address such as http://127.0.0.1:8080',
    ],
    [
      { settings: { taskNameReuseAfter: 3 } },
      'settings.taskNameReuseAfter: 3 is not a text in double quotes',
    ],
  ])('refuses %j with the path and the mend', (config, text) => {
    expect(() => parseConfig(JSON.stringify(config))).toThrow(text);
  });

  it.each([
    [
      { rateLimits: { maxDispatchesPerSecond: 600 } },
      'rateLimits.maxDispatchesPerSecond: 600 is more than 500: write at most 500',
    ],
    [
      { rateLimits: { maxDispatchesPerSecond: 0 } },
      'rateLimits.maxDispatchesPerSecond: 0 is not more than 0: write a number above 0',
    ],
    [
      { rateLimits: { maxConcurrentDispatches: 6000 } },
      'rateLimits.maxConcurrentDispatches: 6000 is more than 5000: write at most 5000',
    ],
    [
      { rateLimits: { maxConcurrentDispatches: 1.5 } },
      'rateLimits.maxConcurrentDispatches: 1.5 is not a whole number',
    ],
    [
      { rateLimits: { max_dispatches_per_second: 1 } },
      'rateLimits.max_dispatches_per_second: unknown key: did you mean maxDispatchesPerSecond?',
    ],
    [
      { rateLimits: { burst: 1 } },
      'rateLimits.burst: unknown key: there is maxDispatchesPerSecond, maxBurstSize, maxConcurrentDispatches',
    ],
    [{ retryConfig: { maxAttempts: -2 } }, 'retryConfig.maxAttempts: -2 is less than -1: write at least -1'],
    [
      { retryConfig: { maxAttempts: 0 } },
      'retryConfig.maxAttempts: 0 is wrong: write -1 for no limit, or the number of attempts, the first included',
    ],
    [{ retryConfig: { minBackoff: 0.1 } }, 'retryConfig.minBackoff: 0.1 is not a text in double quotes'],
    [
      { retryConfig: { minBackoff: '100ms' } },
      'retryConfig.minBackoff: "100ms" is wrong: write seconds followed by "s", such as "0.5s" or "3600s"',
    ],
    [
      { retryConfig: { minBackoff: '10s', maxBackoff: '9s' } },
      'retryConfig.minBackoff: "10s" is wrong: must not be longer than maxBackoff',
    ],
    [{ retryConfig: { maxDoublings: -1 } }, 'retryConfig.maxDoublings: -1 is less than 0: write at least 0'],
    [{ name: 'a_b' }, 'name: "a_b" is wrong: a queue id has 1 to 100 letters, digits and hyphens'],
    [{ name: undefined }, 'name: is missing: write a text in double quotes'],
    [
      { name: 'iterate' },
      'name: "iterate" is wrong: is the name of an earlier queue; each queue needs its own',
    ],
  ])('names the fault of a queue by its path: %j', (queue, fault) => {
    expect(faultsOf({ queues: [{ name: 'iterate' }, { name: 'mail', ...queue }] })).toEqual([
      `queues[1].${fault}`,
    ]);
  });

  it.each([
    [
      { project: 'a b' },
      'project: "a b" is wrong: a project id has letters, digits, and the characters : . -',
    ],
    [{ location: 7 }, 'location: 7 is not a text in double quotes'],
    [{ Ports: {} }, 'Ports: unknown key: did you mean ports?'],
    [{ ports: { task: 1 } }, 'ports.task: unknown key: did you mean tasks?'],
    [{ ports: { tasks: 70_000 } }, 'ports.tasks: 70000 is more than 65535: write at most 65535'],
    [{ ports: { smtp: 8080 } }, 'ports.smtp: 8080 is wrong: is the port of ports.firestore already'],
    [{ queues: {} }, 'queues: {} is not a list, in [ ]'],
    [[], 'the file: [] is not an object, in { }'],
  ])('names a fault by its path: %j', (config, fault) => {
    expect(faultsOf(config)).toEqual([fault]);
  });

  it('names all faults at once', () => {
    expect(
      faultsOf({
        project: 1,
        ports: { tasks: -1 },
        queues: [{ name: 'a', retryConfig: { maxDoublings: '3' } }],
      }),
    ).toHaveLength(3);
  });

  it.each([
    ['{ x }', "line 1, column 3: Expected property name or '}'"],
    ['{\n  "project": "demo",\n}', 'line 3, column 1: Expected double-quoted property name'],
    ['{\n  "ports": { "tasks": tru }\n}', "line 2, column 26: Unexpected token ' '"],
    ['{\n  // a remark\n}', "line 2, column 3: Expected property name or '}'"],
    ['{ "project": "x"', "line 1, column 17: Expected ',' or '}' after property value"],
    ['', 'line 1, column 1: Unexpected end of the file'],
  ])('says where the text stops being JSON: %j', (text, fault) => {
    expect(faultsOf(text)).toEqual([fault]);
  });
});

describe('loadConfig', () => {
  it('reads a file that begins with the mark that editors of Windows set', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'config-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, 'emulator.config.json');
    await writeFile(file, '\uFEFF{"project":"demo-bom"}');
    expect((await loadConfig(file)).project).toBe('demo-bom');
  });

  it('names the file in the error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pageturner-'));
    const file = join(folder, 'broken.json');
    await writeFile(file, '{ "project": 3 }');
    await expect(loadConfig(file)).rejects.toThrow(
      `${file} cannot be used:\n  project: 3 is not a text in double quotes`,
    );
    await rm(folder, { recursive: true });
  });

  it('refuses a named file that is not there', async () => {
    await expect(loadConfig('no-such-file.json')).rejects.toThrow(
      'no-such-file.json cannot be used:\n  there is no such file',
    );
  });

  it('accepts the file of this repository', async () => {
    const { queues } = await loadConfig('emulator.config.json');
    expect(queues.map(({ name }) => name)).toEqual(['iterate', 'mail', 'default']);
  });
});

import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { compilePath, httpRulesOf } from '../../../emulator/server/http-rule.ts';
import { invalidArgument } from '../api-error.ts';
import { QUEUE } from '../samples.ts';
import { rpcOf } from './types.ts';

describe('the rules of an RPC', () => {
  test.each([
    ['ListQueues', { method: 'GET', template: '/v2/{parent=projects/*/locations/*}/queues' }],
    [
      'UpdateQueue',
      { method: 'PATCH', template: '/v2/{queue.name=projects/*/locations/*/queues/*}', body: 'queue' },
    ],
    [
      'PauseQueue',
      { method: 'POST', template: '/v2/{name=projects/*/locations/*/queues/*}:pause', body: '*' },
    ],
    ['DeleteTask', { method: 'DELETE', template: '/v2/{name=projects/*/locations/*/queues/*/tasks/*}' }],
  ])('%s are those of its annotation', (name, expected) => {
    expect(httpRulesOf(rpcOf(name))).toEqual([expected]);
  });

  test.each([
    ['one more', ['put: "/b" body: "*"'], [{ method: 'PUT', template: '/b', body: '*' }]],
    [
      'several more',
      ['put: "/b"', 'get: "/c"'],
      [
        { method: 'PUT', template: '/b' },
        { method: 'GET', template: '/c' },
      ],
    ],
  ])('may be %s than the first', (_, bindings, expected) => {
    const additional = bindings.map((binding) => `additional_bindings { ${binding} }`).join(' ');
    const { root } = protobuf.parse(`syntax = "proto3"; message M {}
      service S { rpc R(M) returns (M) { option (google.api.http) = { post: "/a" ${additional} }; } }`);
    const rpc = root.lookupService('S').methods['R'] ?? expect.fail('no rpc');
    expect(httpRulesOf(rpc)).toEqual([{ method: 'POST', template: '/a' }, ...expected]);
  });

  test('are none for an RPC without an annotation', () => {
    expect(httpRulesOf(new protobuf.Method('R', 'rpc', 'M', 'M'))).toEqual([]);
  });
});

describe('a path', () => {
  const queuePath = '/v2/{queue.name=projects/*/locations/*/queues/*}';

  test.each([
    ['one variable', queuePath, `/v2/${QUEUE}`, [[['queue', 'name'], QUEUE]]],
    [
      'several variables',
      '/v2/{parent=projects/*}/x/{task_id}',
      '/v2/projects/p/x/7',
      [
        [['parent'], 'projects/p'],
        [['taskId'], '7'],
      ],
    ],
    ['a verb', '/v2/{name=queues/*}:pause', '/v2/queues/q:pause', [[['name'], 'queues/q']]],
    [
      'a colon before its last segment',
      '/v2/{name=projects/*}/locations',
      '/v2/projects/a.b:c/locations',
      [[['name'], 'projects/a.b:c']],
    ],
    ['percent-encodings', '/v2/{name=queues/*}', '/v2/queues/a%20b%2Fc', [[['name'], 'queues/a b/c']]],
    ['any number of segments', '/v2/{name=**}', '/v2/a/b/c', [[['name'], 'a/b/c']]],
    ['no variable', '/v2/x', '/v2/x', []],
  ])('with %s is read', (_, template, path, expected) => {
    expect(compilePath(template)(path)).toEqual(expected);
  });

  test.each([
    ['with another verb', queuePath, `/v2/${QUEUE}:pause`],
    ['without its verb', `${queuePath}:pause`, `/v2/${QUEUE}`],
    ['with a segment too many', queuePath, `/v2/${QUEUE}/tasks`],
    ['with a segment too few', queuePath, '/v2/projects/p/locations/l/queues'],
    ['with an empty segment', queuePath, '/v2/projects//locations/l/queues/q'],
    ['of another version', queuePath, `/v3/${QUEUE}`],
    ['with something before it', queuePath, `/x/v2/${QUEUE}`],
    ['where a dot stands for any letter', '/v2/a.b', '/v2/aXb'],
  ])('%s is not of the template', (_, template, path) => {
    expect(compilePath(template)(path)).toBeUndefined();
  });

  test('with a broken percent-encoding is the fault of the caller', () => {
    expect(() => compilePath('/v2/{name=queues/*}')('/v2/queues/%zz')).toThrow(
      invalidArgument('The path holds a malformed percent-encoding: queues/%zz'),
    );
  });
});

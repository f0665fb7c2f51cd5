import { expect, test } from 'vitest';
import { jsonBytesOf } from '../../../emulator/core/json-bytes.ts';
import type { Target } from '../../../emulator/core/model.ts';
import { appEngineTarget, httpTarget, sampleTask } from '../samples.ts';

test.each<[string, Target]>([
  ['an HTTP task', { ...httpTarget, headers: { 'x-a': 'ä"\\' }, body: new Uint8Array(1000) }],
  ['an App Engine task', { ...appEngineTarget, relativeUri: '/\u{1f600}', body: new Uint8Array(1001) }],
  ['a pull task', { kind: 'pull', tag: 'a tag', body: new Uint8Array(1) }],
  ['a task without a body', httpTarget],
])('the bytes of %s are those of its JSON with the body in base64', (_, target) => {
  const task = sampleTask({ target });
  const body = Buffer.from(target.body).toString('base64');
  expect(jsonBytesOf(task)).toBe(Buffer.byteLength(JSON.stringify({ ...task, target: { ...target, body } })));
});

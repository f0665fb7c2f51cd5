import { expect, onTestFinished, test } from 'vitest';
import { callOverRest } from '../../cli/conformance/over-rest.ts';
import { startEmulator } from '../../emulator/index.ts';

test('fields of a request that neither its path nor its body holds are sent in the query', async () => {
  const emulator = await startEmulator({ queues: [{ name: 'a' }, { name: 'b' }] });
  onTestFinished(() => emulator.close());
  const [first] = emulator.snapshot().queues;
  const name = first?.name ?? '';
  const parent = name.slice(0, name.indexOf('/queues/'));
  const listed = await callOverRest({ rpc: 'ListQueues', request: { parent, pageSize: 1 } }, emulator.url);
  expect(listed.body).toMatchObject({ queues: [{ name }], nextPageToken: expect.any(String) });
});

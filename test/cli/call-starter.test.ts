import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { callStarter, type StarterCall } from '../../cli/call-starter.ts';

const call = { task: 'walk', params: {}, tokens: async () => 'token' } satisfies Partial<StarterCall>;

/** Serves functions that refuse every start with this message. */
async function refusing(
  status: number,
  message: string,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const body = JSON.stringify({ error: { code: 'invalid-parameters', message } });
  const server = createServer((_, response) => response.writeHead(status).end(body)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const close = async () => void (await once(server.close(), 'close'));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

test.each([
  ['The parameters do not fit task "walk": a: Invalid input', /^Parameters are given with --params JSON/],
  [
    'shards is for runs of iterative tasks, and "walk" is a one-shot task; leave it out.',
    /^`.* --help` lists/,
  ],
  ['Callers of this starter may not set key: leave it out, or have its owner name it.', /^`.* --help` lists/],
])('a start that is refused with "%s" is given the next step for that fault', async (message, nextStep) => {
  const { url: functionsUrl } = await refusing(400, message);
  await expect(callStarter({ ...call, functionsUrl })).rejects.toMatchObject({
    code: 'refused',
    message: `${functionsUrl}/start-walk answers 400: ${message}`,
    nextStep: expect.stringMatching(nextStep),
  });
});

test('where nothing answers people are also told that the functions of dev may be starting again', async () => {
  const { url: functionsUrl, close } = await refusing(400, 'no');
  await close();
  await expect(callStarter({ ...call, functionsUrl })).rejects.toMatchObject({
    code: 'not-running',
    nextStep: expect.stringMatching(
      /^Start the functions with `pageturner dev`, .* they may be starting again/,
    ),
  });
});

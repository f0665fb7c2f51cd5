import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Live } from '../../../emulator/console/live.ts';

test('it listens to the engine only while somebody looks', async () => {
  let observers = 0;
  const live = new Live(() => {
    observers += 1;
    return () => {
      observers -= 1;
    };
  });
  const responses: ServerResponse[] = [];
  const server = createServer((_, response) => {
    responses.push(response);
    response.writeHead(200);
    live.follow(response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const look = async (): Promise<IncomingMessage> =>
    ((await once(get({ port, host: '127.0.0.1' }), 'response')) as [IncomingMessage])[0];
  expect(observers).toBe(0);
  const one = await look();
  const other = await look();
  expect(observers).toBe(1);
  for (const [index, incoming] of [one, other].entries()) {
    const left = once(responses[index] as ServerResponse, 'close');
    incoming.destroy();
    await left;
  }
  expect(observers).toBe(0);
});

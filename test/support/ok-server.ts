import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** The port of a server that answers `Ok` to whatever is asked, as an emulator does that is well, until the test ends. */
export async function okServer(): Promise<number> {
  const server = createServer((_, response) => response.end('Ok')).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

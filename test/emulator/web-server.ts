import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** One request as it came over the wire. */
export interface Received {
  readonly method: string;
  readonly path: string;
  /** Names in the casing in which they were sent. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Answer = (response: ServerResponse, request: Received) => void;

/** Serves on a free port until the test ends. `requests` grows with each request, once its body has come. */
export async function serve(
  answer: Answer = (response) => response.end(),
): Promise<{ url: string; requests: Received[] }> {
  const requests: Received[] = [];
  const server = createServer((incoming, response) => {
    void receive(incoming, (request) => {
      requests.push(request);
      answer(response, request);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

async function receive(incoming: IncomingMessage, done: (request: Received) => void): Promise<void> {
  const { method = '', url = '', rawHeaders } = incoming;
  const chunks = (await incoming.toArray()) as Buffer[];
  const headers = Object.fromEntries(
    rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : [])),
  );
  done({ method, path: url, headers, body: Buffer.concat(chunks).toString() });
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}

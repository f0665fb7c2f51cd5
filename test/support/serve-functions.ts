import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { http, type HttpFunction } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';

/** Serves functions at `/NAME`, each through the Functions Framework's own server, as the cloud does. */
export async function serveFunctions(
  functions: Readonly<Record<string, HttpFunction>>,
  port = 0,
): Promise<Server> {
  const servers = new Map(
    Object.entries(functions).map(([name, handler]) => {
      http(name, handler);
      return [name, getTestServer(name)];
    }),
  );
  const server = createServer((request, response) => {
    const name = request.url?.split(/[/?]/)[1] ?? '';
    const served = servers.get(name);
    if (served === undefined) response.writeHead(404).end();
    else served.emit('request', request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

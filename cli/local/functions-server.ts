/**
 * Serves every function that an entry module registers, each at `/NAME`, as the cloud does. It is run in a process of its own:
 *
 *     node functions-server.ts ENTRY PORT
 *
 * What it tells its owner, one JSON object a line on descriptor 3: `{"loads": FILE}` for each file of the project as it is loaded
 * (also one that turns out to be broken), and `{"listening": PORT, "names": [NAME, …]}` when it answers.
 */
import { writeSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { createRequire, enableCompileCache, registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Application, ErrorRequestHandler } from 'express';
import type * as Testing from '@google-cloud/functions-framework/testing';
import { notFoundText, splitPath } from './functions-path.ts';

const [entry = '', port = ''] = process.argv.slice(2);

function tell(word: object): void {
  writeSync(3, `${JSON.stringify(word)}\n`);
}

// They start anew with each change; the clients of Google's services are most of what a start has to compile.
enableCompileCache();

registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:') && !url.includes('/node_modules/')) tell({ loads: fileURLToPath(url) });
    return next(url, context);
  },
});

// The copy of the Functions Framework with which the entry registers, should there be several.
const require = createRequire(entry);
const testing = '@google-cloud/functions-framework/testing';
const { getFunction, getTestServer } = require(testing) as typeof Testing;

const registered = new Set<string>();
// The framework tells of a function whether it is registered, and not which are.
const registry = require(join(dirname(require.resolve(testing)), 'function_registry.js')) as Record<
  'http' | 'cloudEvent',
  (name: string, handler: unknown) => unknown
>;
for (const kind of ['http', 'cloudEvent'] as const) {
  const register = registry[kind];
  registry[kind] = (name, handler) => {
    registered.add(name);
    return register(name, handler);
  };
}

await import(pathToFileURL(entry).href);
const names = [...registered];
const servers = new Map<string, Server>();

/** The Functions Framework's own server for one function, so that it is treated as it will be in the cloud. */
function serverOf(name: string): Server | undefined {
  if (!getFunction(name)) return undefined;
  const server = servers.get(name) ?? explainingBodies(getTestServer(name));
  servers.set(name, server);
  return server;
}

/** A body that the framework cannot read never reaches a function, and the framework's own answer does not say what is wrong with it. */
function explainingBodies(server: Server): Server {
  const [app] = server.listeners('request') as unknown as [Application];
  const explain: ErrorRequestHandler = (error: Error & { status?: number }, _request, response, next) => {
    const { status = 500, message } = error;
    if (status < 400 || status > 499 || response.headersSent) return next(error);
    response
      .status(status)
      .json({ error: { code: 'invalid-request', message: `The body cannot be read: ${message}.` } });
  };
  app.use(explain);
  return server;
}

const front = createServer((request, response) => {
  const { name, rest } = splitPath(request.url ?? '/');
  const server = serverOf(name);
  if (server) {
    // A function sees the path that follows its name.
    request.url = rest;
    server.emit('request', request, response);
    return;
  }
  response.writeHead(404, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ error: { code: 'unknown-function', message: notFoundText(name, names) } }));
});

// Functions may take long; their own time limits end them.
front.requestTimeout = 0;
front.listen(Number(port), '127.0.0.1', () => tell({ listening: Number(port), names }));

process.once('SIGTERM', () => {
  front.close(() => process.exit(0));
  front.closeIdleConnections();
});

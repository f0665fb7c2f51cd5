import { invalidArgument, invalidField } from './faults.ts';
import type { PushTask, QueueHttpTarget, Task, UriOverride } from './model.ts';
import { storedHttpHeaders } from './stored-headers.ts';

const FIELD = 'queue.http_target';
const MAX_PORT = 65_535;

/** The HTTP target as a queue keeps it. Throws INVALID_ARGUMENT on one that could not be applied. */
export function checkedHttpTarget(target: QueueHttpTarget): QueueHttpTarget {
  const { host, port } = target.uri ?? {};
  if (host !== undefined && !isHost(host)) {
    throw invalidField(`${FIELD}.uri_override.host`, `"${host}" is no host name.`);
  }
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= MAX_PORT)) {
    throw invalidField(
      `${FIELD}.uri_override.port`,
      `${port} is no port; use 1 to ${MAX_PORT}, or 0 for none.`,
    );
  }
  const { authorization } = target;
  if (authorization !== undefined && authorization.serviceAccountEmail === '') {
    throw invalidField(`${FIELD}.${authorization.kind}_token.service_account_email`, 'It is required.');
  }
  const { 'User-Agent': _, ...headers } = storedHttpHeaders(target.headers);
  return { ...target, headers };
}

function isHost(host: string): boolean {
  return (
    host !== '' && URL.canParse(`http://${host}`) && new URL(`http://${host}`).hostname === host.toLowerCase()
  );
}

/** The URL of a task that is buffered: all of it comes from its queue. Throws INVALID_ARGUMENT if it has none. */
export function bufferUrl(target: QueueHttpTarget | undefined): string {
  const uri = target?.uri;
  if (uri?.host === undefined) {
    throw invalidArgument(
      'BufferTask needs a queue with an HTTP target: set queue.http_target.uri_override.host.',
    );
  }
  return overriddenUrl(`https://${uri.host}/`, { ...uri, mode: 'always' });
}

/** The task as it is delivered: its queue's HTTP target laid over its own. App Engine tasks stay as they are. */
export function withHttpTarget(task: Task, over: QueueHttpTarget | undefined): PushTask {
  const { target } = task;
  if (target.kind === 'pull') throw new Error(`The pull task ${task.name} cannot be delivered.`);
  if (target.kind === 'appEngine' || over === undefined) return { ...task, target };
  const method = over.method ?? target.method;
  const replaced = new Set(Object.keys(over.headers).map((name) => name.toLowerCase()));
  const kept = Object.entries(target.headers).filter(([name]) => !replaced.has(name.toLowerCase()));
  const authorization = over.authorization ?? target.authorization;
  return {
    ...task,
    target: {
      ...target,
      url: over.uri === undefined ? target.url : overriddenUrl(target.url, over.uri),
      method,
      headers: { ...Object.fromEntries(kept), ...over.headers },
      body: method === 'GET' ? new Uint8Array() : target.body,
      ...(authorization !== undefined && { authorization }),
    },
  };
}

/** A URL that cannot be read, which the service stores as it does any other, stays as it is. */
function overriddenUrl(text: string, uri: UriOverride): string {
  const url = URL.parse(text);
  if (url === null) return text;
  const isFree = (isPresent: boolean): boolean => uri.mode === 'always' || !isPresent;
  // Every task has a scheme and a host, so that these two are replaced in the mode `always` only.
  if (uri.mode === 'always') {
    if (uri.scheme !== undefined) url.protocol = uri.scheme;
    if (uri.host !== undefined) url.hostname = uri.host;
  }
  if (uri.port !== undefined && isFree(url.port !== '')) url.port = uri.port === 0 ? '' : String(uri.port);
  if (uri.path !== undefined && isFree(url.pathname !== '/')) url.pathname = uri.path;
  if (uri.query !== undefined && isFree(url.search !== '')) url.search = uri.query;
  return url.href;
}

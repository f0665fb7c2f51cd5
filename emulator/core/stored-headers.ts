import { invalidField } from './faults.ts';

type Headers = Readonly<Record<string, string>>;

const HTTP_USER_AGENT = 'Google-Cloud-Tasks';
const APP_ENGINE_USER_AGENT = 'AppEngine-Google; (+http://code.google.com/appengine)';
const MAX_HEADERS_BYTES = 80 * 1024;

/** Headers that the service sets itself: what a caller says about them is dropped without an error. */
const COMPUTED = new Set(['host', 'content-length', 'user-agent']);
const RESERVED_PREFIXES = ['x-google-', 'x-appengine-', 'x-cloudtasks-'] as const;

const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// What a header's value may hold on the wire: visible characters, spaces and tabs, and the octets above ASCII.
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** The headers of an HTTP task at rest. Throws INVALID_ARGUMENT on a header that could never be sent. */
export function storedHttpHeaders(headers: Headers): Headers {
  const field = 'task.http_request.headers';
  const stored = { ...callersHeaders(headers, field), 'User-Agent': HTTP_USER_AGENT };
  const bytes = Object.entries(stored).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (bytes >= MAX_HEADERS_BYTES) {
    throw invalidField(field, `The headers take ${bytes} bytes; less than 80 KB are allowed.`);
  }
  return stored;
}

/** The headers of an App Engine task at rest. Throws INVALID_ARGUMENT on a header that could never be sent. */
export function storedAppEngineHeaders(headers: Headers, body: Uint8Array): Headers {
  const callers = callersHeaders(headers, 'task.app_engine_http_request.headers');
  const userAgent = findHeader(headers, 'user-agent');
  return {
    ...callers,
    'User-Agent': userAgent ? `${userAgent} ${APP_ENGINE_USER_AGENT}` : APP_ENGINE_USER_AGENT,
    ...(body.length > 0 && {
      ...(findHeader(headers, 'content-type') === undefined && {
        'Content-Type': 'application/octet-stream',
      }),
      'Content-Length': String(body.length),
    }),
  };
}

function callersHeaders(headers: Headers, field: string): Headers {
  const kept: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (!FIELD_NAME.test(name)) throw invalidField(field, `"${name}" is no valid header name.`);
    if (!FIELD_VALUE.test(value)) {
      throw invalidField(field, `The value of header "${name}" holds characters that a header cannot carry.`);
    }
    if (!isComputed(name.toLowerCase())) kept.push([name, value]);
  }
  return Object.fromEntries(kept);
}

function isComputed(lowerCaseName: string): boolean {
  return COMPUTED.has(lowerCaseName) || RESERVED_PREFIXES.some((prefix) => lowerCaseName.startsWith(prefix));
}

function findHeader(headers: Headers, lowerCaseName: string): string | undefined {
  return Object.entries(headers).find(([name]) => name.toLowerCase() === lowerCaseName)?.[1];
}

import { isUtf8 } from 'node:buffer';

/** Under which names bodies commonly say where a page starts. */
const FIELDS = ['cursor', 'pageToken', 'page_token', 'startAfter', 'start_after', 'offset', 'page'] as const;
const MAX_BYTES = 64 * 1024;
const MAX_CHARACTERS = 300;

/** Where the page starts that a body asks for, as one line: the first of those fields that a JSON object has. */
export function placeInBody(body: Uint8Array): string | undefined {
  if (body.byteLength === 0 || body.byteLength > MAX_BYTES || !isUtf8(body)) return undefined;
  const value = parsed(Buffer.from(body).toString('utf8'));
  if (typeof value !== 'object' || value === null) return undefined;
  const field = FIELDS.find((name) => Object.hasOwn(value, name));
  if (field === undefined) return undefined;
  const place: unknown = (value as Record<string, unknown>)[field];
  const text = place === null ? 'the beginning' : typeof place === 'string' ? place : JSON.stringify(place);
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

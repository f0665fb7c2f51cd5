import { isUtf8 } from 'node:buffer';

/** A body, made readable. */
export interface Payload {
  /** Bytes in all. */
  readonly size: number;
  /** `binary`: what follows is a dump in hexadecimal digits. */
  readonly kind: 'empty' | 'json' | 'text' | 'binary';
  readonly text: string;
  /** Whether `text` has the beginning only. */
  readonly isCut: boolean;
  /** What the text says once base64 is taken off it, where it is nothing but base64 of text. */
  readonly decoded?: { readonly kind: 'json' | 'text'; readonly text: string };
}

const MAX_TEXT_BYTES = 64 * 1024;
const MAX_DUMP_BYTES = 512;
/** Shorter words of letters and digits are base64 by accident. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4}){3,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
// Control characters, but for tabs and ends of lines: what has them is no text for people.
// oxlint-disable-next-line no-control-regex
const UNREADABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** JSON is set out in lines, base64 of text is decoded, and what is no text is dumped; each up to 64 KiB, or 512 bytes of a dump. */
export function payloadOf(body: Uint8Array): Payload {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const size = bytes.length;
  if (size === 0) return { size, kind: 'empty', text: '', isCut: false };
  const text = readable(bytes);
  if (text === undefined)
    return {
      size,
      kind: 'binary',
      text: dump(bytes.subarray(0, MAX_DUMP_BYTES)),
      isCut: size > MAX_DUMP_BYTES,
    };
  const isCut = size > MAX_TEXT_BYTES;
  const plain = isCut ? bytes.subarray(0, endOfCharacter(bytes, MAX_TEXT_BYTES)).toString('utf8') : text;
  const json = isCut ? undefined : prettyJson(text);
  if (json !== undefined) return { size, kind: 'json', text: json, isCut };
  const decoded = isCut ? undefined : fromBase64(text.trim());
  return { size, kind: 'text', text: plain, isCut, ...(decoded !== undefined && { decoded }) };
}

function fromBase64(text: string): Payload['decoded'] {
  if (!BASE64.test(text)) return undefined;
  const inner = readable(Buffer.from(text, 'base64'));
  if (inner === undefined) return undefined;
  const json = prettyJson(inner);
  return json === undefined ? { kind: 'text', text: inner } : { kind: 'json', text: json };
}

function readable(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  return UNREADABLE.test(text) ? undefined : text;
}

/** Where the last whole character before `end` ends. */
function endOfCharacter(bytes: Buffer, end: number): number {
  let at = end;
  while (at > 0 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at -= 1;
  return at;
}

type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const withSource = JSON as unknown as {
  parse(text: string, reviver: SourceReviver): unknown;
  rawJSON(text: string): object;
};

/** Numbers stay as they were written: one with twenty digits would not survive being read. */
function prettyJson(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    const value = withSource.parse(text, (_, each, { source }) =>
      typeof each === 'number' && source !== undefined ? withSource.rawJSON(source) : each,
    );
    return JSON.stringify(value, null, 2);
  } catch {
    // No JSON, or nested so deep that reading it ends the stack.
    return undefined;
  }
}

/** Rows of 16 bytes: place, digits, characters. */
function dump(bytes: Buffer): string {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const digits = [...row].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const characters = [...row].map((byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    );
    rows.push(`${at.toString(16).padStart(4, '0')}  ${digits.padEnd(47)}  ${characters.join('')}`);
  }
  return rows.join('\n');
}

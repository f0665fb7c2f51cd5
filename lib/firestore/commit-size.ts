import { PageturnerError } from '../core/errors.ts';
import type { Write } from '../core/write.ts';

const mebibyte = 1024 * 1024;

/**
 * Refuses a commit that no server would take, before it is sent: the client repeats a request that is too large for minutes when the
 * server answers RESOURCE_EXHAUSTED, as Google's emulator does above 4 MiB. Counts less than what travels, so that what would pass is
 * never refused here; the server itself refuses what is near the limit.
 *
 * @throws PageturnerError `too-large`.
 */
export function mustFit(writes: readonly Write[]): void {
  const most = process.env['FIRESTORE_EMULATOR_HOST'] === undefined ? 10 * mebibyte : 4 * mebibyte;
  let size = 0;
  for (const write of writes) {
    size += leastOverhead + write.ref.path.length;
    if (write.kind !== 'delete') size += leastSize(write.data, most - size);
    if (size <= most) continue;
    throw new PageturnerError(
      'too-large',
      `${writes.length} writes are asked for, which are more than the ${most / mebibyte} MiB that a commit may have.`,
    );
  }
}

/** Firestore takes no maps deeper than 20; deeper ones are left for it to refuse. */
const deepest = 20;

/** What a write has besides its path and its data: the name of the database, and the encoding's own. */
const leastOverhead = 40;

/** The bytes that a value has at least on its way, counted no further than until there is no room: a value may hold itself, many times. */
function leastSize(value: unknown, room: number, depth = 0): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== 'object' || value === null || depth > deepest) return 1;
  const isArray = Array.isArray(value);
  if (!isArray && !isMap(value)) return 1;
  let size = 1;
  for (const [key, member] of Object.entries(value)) {
    if (size > room) break;
    // The client may be set to leave these out.
    if (member === undefined) continue;
    size += (isArray ? 0 : Buffer.byteLength(key)) + leastSize(member, room - size, depth + 1);
  }
  return size;
}

/** Rather than a timestamp, a reference or another object of the client's. */
function isMap(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

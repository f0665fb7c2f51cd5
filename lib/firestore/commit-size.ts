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
    size += write.ref.path.length + (write.kind === 'delete' ? 0 : leastSize(write.data));
    if (size <= most) continue;
    throw new PageturnerError(
      'too-large',
      `${writes.length} writes are asked for, which are more than the ${most / mebibyte} MiB that a commit may have.`,
    );
  }
}

/** Firestore takes no maps deeper than 20; deeper ones are left for it to refuse. */
const deepest = 20;

/** The bytes that a value has at least on its way. */
function leastSize(value: unknown, depth = 0): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== 'object' || value === null || depth > deepest) return 1;
  const members = Array.isArray(value) ? value : isMap(value) ? Object.values(value) : [];
  return members.reduce((sum: number, member: unknown) => sum + leastSize(member, depth + 1), 1);
}

/** Rather than a timestamp, a reference or another object of the client's. */
function isMap(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

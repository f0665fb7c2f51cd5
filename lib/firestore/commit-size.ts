import { PageturnerError } from '../core/errors.ts';
import type { Write } from '../core/write.ts';
import { wireSize } from './wire-size.ts';

const mebibyte = 1024 * 1024;

/**
 * Refuses a commit that no server would take, before it is sent: the client repeats a request that is too large for minutes when the
 * server answers RESOURCE_EXHAUSTED, as Google's emulator does above 4 MiB.
 *
 * @param own what is committed besides what was asked for
 * @throws PageturnerError `too-large`.
 */
export function mustFit(writes: readonly Write[], own: readonly Write[] = []): void {
  const most = process.env['FIRESTORE_EMULATOR_HOST'] ? 4 * mebibyte : 10 * mebibyte;
  let size = besideWrites;
  for (const write of [...own, ...writes]) {
    size += wireSize(write, most - size);
    if (size <= most) continue;
    const asked = writes.length === 0 ? '' : `${writes.length} writes are asked for, which with `;
    throw new PageturnerError(
      'too-large',
      `${asked}${asked === '' ? 'The' : 'the'} run's own records are more than the ${most / mebibyte} MiB that a commit may have.`,
    );
  }
}

/** The name of the database, and the id of a transaction. */
const besideWrites = 512;

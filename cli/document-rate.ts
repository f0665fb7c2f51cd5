import { InvalidArgumentError } from 'commander';

/** Documents a second, as an argument of a command; null for no limit. */
export function documentRate(text: string): number | null {
  if (text === 'none') return null;
  const rate = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (rate >= 0.1 && rate <= 1_000_000) return rate;
  throw new InvalidArgumentError('Write documents a second, from 0.1 to 1000000, or none for no limit.');
}

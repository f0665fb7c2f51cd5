import { InvalidArgumentError } from 'commander';

/** Reads an option that is a duration in seconds, as the API writes it: `3600s`. */
export function duration(text: string): string {
  if (/^\d+(\.\d{1,9})?s$/.test(text)) return text;
  throw new InvalidArgumentError('Write seconds followed by "s", such as 3600s.');
}

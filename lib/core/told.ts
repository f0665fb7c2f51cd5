import { recordedText } from './errors.ts';

/** A value that was given where another kind was wanted, as an error tells it. */
export function told(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  const give = (): unknown => (typeof value === 'number' ? value : (JSON.stringify(value) ?? value));
  return recordedText(give).slice(0, 200);
}

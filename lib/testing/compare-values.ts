/**
 * Firestore's order of values, for those that JSON has: null, booleans, numbers, strings (by their UTF-8 bytes).
 *
 * @see https://firebase.google.com/docs/firestore/manage-data/data-types
 */
export function compareValues(a: unknown, b: unknown): number {
  const [left, right] = [rankOf(a), rankOf(b)];
  if (left !== right) return left - right;
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) - Number(b);
}

function rankOf(value: unknown): number {
  if (value === undefined) return 0;
  if (value === null) return 1;
  if (typeof value === 'boolean') return 2;
  if (typeof value === 'number') return 3;
  if (typeof value === 'string') return 4;
  throw new Error(`The memory database orders null, booleans, numbers and strings, not ${typeof value}`);
}

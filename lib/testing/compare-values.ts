/**
 * Firestore's order of values, for those that JSON has: null, booleans, numbers, strings (by their UTF-8 bytes).
 *
 * @see https://firebase.google.com/docs/firestore/manage-data/data-types
 */
export function compareValues(a: unknown, b: unknown): number {
  const [left, right] = [rankOf(a), rankOf(b)];
  if (left !== right) return left - right;
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  return Number(a) - Number(b);
}

/** Strings of JavaScript are UTF-16: their units order as UTF-8 bytes do, but for surrogates, which stand for what is above them all. */
function compareStrings(a: string, b: string): number {
  let place = 0;
  while (place < a.length && place < b.length && a.charCodeAt(place) === b.charCodeAt(place)) place += 1;
  if (place === a.length || place === b.length) return a.length - b.length;
  const [left, right] = [a.charCodeAt(place), b.charCodeAt(place)];
  if (isSurrogate(left) !== isSurrogate(right)) return isSurrogate(left) ? 1 : -1;
  return left - right;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

function rankOf(value: unknown): number {
  if (value === undefined) return 0;
  if (value === null) return 1;
  if (typeof value === 'boolean') return 2;
  if (typeof value === 'number') return 3;
  if (typeof value === 'string') return 4;
  throw new Error(`The memory database orders null, booleans, numbers and strings, not ${typeof value}`);
}

/**
 * A copy of what a document holds: of its maps and arrays, all the way down. Values of classes (timestamps, references, bytes) are
 * never changed by those who hold them, and stay the same.
 */
export function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((element: unknown) => copyOf(element)) as T;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const field = (value as Record<string, unknown>)[key];
    copy[key] = typeof field === 'object' ? copyOf(field) : field;
  }
  return copy as T;
}

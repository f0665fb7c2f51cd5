import { told } from './told.ts';

/** Names of what may be given. Written with `satisfies Record<keyof …, true>`, it has the compiler's word that none is missing. */
export type KnownKeys = Readonly<Record<string, true>>;

/** The first thing given that nobody knows, which would be ignored in silence, or undefined. */
export function faultOfKeys(given: object, known: KnownKeys): string | undefined {
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(known, key));
  if (unknown === undefined) return undefined;
  const names = Object.keys(known);
  const meant = names.find((name) => name.toLowerCase() === unknown.toLowerCase());
  return `${told(unknown)}, which is not known: write ${meant ?? `one of ${names.join(', ')}`}`;
}

/** The first of these that is given and is neither true nor false, or undefined. */
export function faultOfBooleans(given: object, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value: unknown = (given as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined && typeof value !== 'boolean')
      return `${name} ${told(value)}: write true or false`;
  }
  return undefined;
}

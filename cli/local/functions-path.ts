/** A request's path as the name of a function and what that function sees. */
export interface FunctionPath {
  readonly name: string;
  /** The path and query behind the name, beginning with `/`. */
  readonly rest: string;
}

export function splitPath(url: string): FunctionPath {
  const [, name = '', rest = ''] = /^\/+([^/?#]*)(.*)$/.exec(url) ?? [];
  return { name, rest: rest.startsWith('/') ? rest : `/${rest}` };
}

export function notFoundText(name: string, names: readonly string[]): string {
  const asked = name === '' ? 'A function is served at its name' : `There is no function "${name}"`;
  return names.length === 0 ? `${asked}.` : `${asked}. There is: ${names.join(', ')}.`;
}

import { invalidField } from './faults.ts';

/** One comparison of a filter. */
export interface Condition {
  /** Field names from the outside in, in camelCase. */
  readonly path: readonly string[];
  readonly operator: Operator;
  readonly value: string;
}

const OPERATORS = ['<=', '>=', '!=', '<', '>', '=', ':'] as const;
type Operator = (typeof OPERATORS)[number];

const CONDITION = /^\s*([A-Za-z_][\w.]*)\s*(<=|>=|!=|<|>|=|:)\s*("(?:[^"\\]|\\.)*"|[^\s"]+)\s*/;

/** Reads a filter such as `state: PAUSED AND rate_limits.max_dispatches_per_second > 5`. Throws INVALID_ARGUMENT. */
export function parseFilter(text: string): readonly Condition[] {
  const conditions: Condition[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const [whole, path = '', operator = '=', value = ''] = CONDITION.exec(rest) ?? [];
    if (whole === undefined) {
      throw invalidField(
        'filter',
        `Cannot read "${rest}". Write FIELD OPERATOR VALUE, joined by AND; the operators are ${OPERATORS.join(' ')}`,
      );
    }
    conditions.push({
      path: path.split('.').map(camelCase),
      operator: operator as Operator,
      value: unquoted(value),
    });
    rest = rest
      .slice(whole.length)
      .replace(/^AND(?=\s)/, '')
      .trimStart();
  }
  return conditions;
}

/** Whether a message, as a plain object, satisfies all conditions. A field that it does not have satisfies `!=` alone. */
export function satisfies(message: unknown, conditions: readonly Condition[]): boolean {
  return conditions.every(({ path, operator, value }) => compare(fieldOf(message, path), operator, value));
}

function compare(actual: string | number | undefined, operator: Operator, expected: string): boolean {
  if (actual === undefined) return operator === '!=';
  const order = orderOf(actual, expected);
  switch (operator) {
    case ':':
      return typeof actual === 'string' ? actual.includes(expected) : order === 0;
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** Below 0, 0 or above it, as `actual` is less than, equal to or more than `expected`; NaN if they cannot be compared. */
function orderOf(actual: string | number, expected: string): number {
  // Durations and numbers; `5s` reads as 5.
  if (typeof actual === 'number') return actual - Number(expected.replace(/s$/, ''));
  if (actual === expected) return 0;
  return actual < expected ? -1 : 1;
}

function fieldOf(message: unknown, path: readonly string[]): string | number | undefined {
  let value = message;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  if (isSeconds(value)) return value.seconds + value.nanos / 1e9;
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

function isSeconds(value: unknown): value is { seconds: number; nanos: number } {
  return typeof value === 'object' && value !== null && 'seconds' in value && 'nanos' in value;
}

function unquoted(value: string): string {
  return value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value;
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

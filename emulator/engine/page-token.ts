import { invalidField } from '../core/faults.ts';

/** The service's word: a page token lives two hours. */
const LIFETIME_MS = 2 * 60 * 60 * 1000;

export interface PageRequest {
  readonly pageSize?: number | undefined;
  readonly pageToken?: string | undefined;
}

/** What a token stands for: the place in one particular list from which the next page goes on. */
interface Place {
  /** What is listed; a token serves the list that it was made for and no other. */
  readonly list: string;
  readonly start: string | number;
}

export function makePageToken(place: Place, now: number): string {
  const { list, start } = place;
  return Buffer.from(JSON.stringify([list, start, now + LIFETIME_MS])).toString('base64url');
}

/**
 * Where the page starts; undefined at the beginning.
 *
 * @throws ApiError INVALID_ARGUMENT for a token that was made up, belongs to another list, or is too old.
 */
export function readPageToken<Start extends string | number>(
  token: string | undefined,
  list: string,
  start: (value: unknown) => value is Start,
  now: number,
): Start | undefined {
  if (token === undefined || token === '') return undefined;
  const [ofList, from, expiresAt] = parse(token);
  if (ofList !== list || !start(from)) {
    throw invalidField('page_token', 'The token is not one that this list gave, with the same filter.');
  }
  if (typeof expiresAt !== 'number' || expiresAt < now) {
    throw invalidField('page_token', 'The token is older than two hours; list from the beginning.');
  }
  return from;
}

/** The page's size: `max` where none is given, and never above it. */
export function pageSizeOf({ pageSize }: PageRequest, max: number): number {
  if (pageSize === undefined || pageSize === 0) return max;
  if (pageSize < 0) throw invalidField('page_size', `${pageSize} is negative.`);
  return Math.min(pageSize, max);
}

function parse(token: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

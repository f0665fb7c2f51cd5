/** How many documents a page has: a number, or bounds between which it adapts. */
export type PageSize = number | PageSizeBounds;

export interface PageSizeBounds {
  /** The size of the first page, and the least that slow pages are given; 1 or more. */
  readonly min: number;
  /** The most that fast pages are given; at most 1000. */
  readonly max: number;
  /** How long a page is to take, from its query to its commit. */
  readonly seconds: number;
}

/** The most documents that a page may have. */
export const largestPage = 1000;

/** What is wrong with a page size, or undefined. */
export function faultOfPageSize(size: PageSize): string | undefined {
  if (typeof size === 'number') {
    return isCount(size) ? undefined : `has pageSize ${size}: write a whole number from 1 to ${largestPage}`;
  }
  const { min, max, seconds } = size;
  if (!isCount(min) || !isCount(max) || min > max) {
    return `has pageSize { min: ${min}, max: ${max} }: write whole numbers from 1 to ${largestPage}, min not above max`;
  }
  if (seconds > 0 && seconds <= 1800) return undefined;
  return `has pageSize { seconds: ${seconds} }: write how long a page is to take, above 0 and at most 1800`;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= largestPage;
}

export function firstPageSize(size: PageSize): number {
  return typeof size === 'number' ? size : size.min;
}

/** A page that took effect. */
export interface TimedPage {
  /** Documents handled. */
  readonly documents: number;
  readonly tookMs: number;
  /** How long a handler may take. */
  readonly limitMs: number;
  /** How many documents such as these fit into the memory that a page may take; undefined where that is not known. */
  readonly most?: number | undefined;
}

/**
 * The size of the next page after one that took effect. With bounds it goes towards the documents that fit into the target time, and
 * at most doubles or halves. A fixed size is kept; after a failure has made it smaller it grows back, by a quarter a page, as long
 * as the page would then take no more than half of the handler's time. Neither is ever more than fits into memory.
 */
export function pageSizeAfter(size: PageSize, current: number, page: TimedPage): number {
  return Math.min(sizeByTime(size, current, page), Math.max(1, page.most ?? Infinity));
}

function sizeByTime(size: PageSize, current: number, page: TimedPage): number {
  const { documents, tookMs, limitMs } = page;
  if (typeof size === 'number') {
    const grown = Math.min(size, Math.ceil(current * 1.25));
    const expectedMs = (tookMs / Math.max(documents, 1)) * grown;
    return current >= size || expectedMs > limitMs / 2 ? Math.min(current, size) : grown;
  }
  const fitting = (Math.max(documents, 1) * size.seconds * 1000) / Math.max(tookMs, 1);
  const next = Math.round(Math.min(Math.max(fitting, current / 2), current * 2));
  return Math.min(Math.max(next, size.min), size.max);
}

/** The size after one that was too much, whatever the bounds say. */
export function smallerPage(documents: number): number {
  return halvedPage(documents, 1);
}

/** The size of a page that is halved so often. */
export function halvedPage(size: number, halvings: number): number {
  return Math.max(1, Math.floor(size / 2 ** halvings));
}

/** Whether a handler that takes documents one by one should take another: whether the slowest so far would still fit. */
export function hasTimeForAnother(remainingMs: number, slowestMs: number): boolean {
  return remainingMs > 0 && remainingMs >= slowestMs;
}

/** A part of a walk in the order of document names: from the first key, which belongs to it, to the second, which does not. */
export interface KeyRange {
  /** A document's path; null: from the beginning. */
  readonly from: string | null;
  /** A document's path; null: to the end. */
  readonly before: string | null;
}

/** The ranges between boundaries: each document belongs to exactly one, whether it was there when they were drawn or not. */
export function rangesBetween(boundaries: readonly string[]): readonly KeyRange[] {
  return [null, ...boundaries].map((from, index) => ({ from, before: boundaries[index] ?? null }));
}

/**
 * A path strictly between two paths, the lower a document's; undefined when there is none. Repeated halving reaches every key in some
 * steps a differing character, however much the keys have in common. The path need not be a document's.
 *
 * @param share how far from the lower towards the upper one the path would lie if keys were spread evenly. Left out: half-way, which
 *   comes to its end however they are spread.
 */
export function pathBetween(lower: string, upper: string, share?: number): string | undefined {
  const [low, high] = [lower.split('/'), upper.split('/')];
  const first = high.findIndex((segment, index) => segment !== low[index]);
  // What lies under the upper path's own parent, before it, is between the two as well: the text just behind the parent lets it in.
  const isDeeper = high.length > first + 1 + (first % 2 === 0 ? 1 : 0);
  for (let place = first; place <= Math.max(first, low.length - 1); place += 1) {
    const bound = isDeeper ? `${high[place]}\u0001` : high[place];
    const segment = textBetween(low[place] ?? '', place === first ? bound : undefined, share);
    if (segment === undefined) continue;
    const path = [...low.slice(0, place), allowed(segment)];
    // A path to a collection needs an id to be a document's: the lowest that there is.
    return (place % 2 === 0 ? [...path, '\u0001'] : path).join('/');
  }
  return undefined;
}

/**
 * Texts order by their code points, as Firestore orders them by their UTF-8 bytes. Where the two differ in neighbouring characters,
 * what is between begins as the upper one does, which its beginning parts, or as the lower one: then one of its other characters
 * is raised, the next one, or the middle one if nothing is known of how keys are spread.
 *
 * @param upper undefined: whatever is behind the lower.
 */
function textBetween(lower: string, upper: string | undefined, share?: number): string | undefined {
  const low = Array.from(lower, (character) => character.codePointAt(0) ?? 0);
  const high = Array.from(upper ?? '', (character) => character.codePointAt(0) ?? 0);
  const place = upper === undefined ? 0 : high.findIndex((codePoint, index) => codePoint !== low[index]);
  const least = low[place] ?? 0;
  const middle = onTheWay(least, high[place] ?? topAbove(least), share);
  if (middle !== undefined) return String.fromCodePoint(...low.slice(0, place), middle);
  if (high.length > place + 1) return String.fromCodePoint(...high.slice(0, place + 1));
  if (least === 0) return undefined;
  const rest = low.length - place - 1;
  const raised = place + 1 + (share === undefined ? Math.max(0, Math.floor((rest - 1) / 2)) : 0);
  const above = onTheWay(low[raised] ?? 0, topAbove(low[raised] ?? 0), share);
  return above === undefined ? undefined : String.fromCodePoint(...low.slice(0, raised), above);
}

function topAbove(codePoint: number): number {
  return codePoint < 0x7e ? 0x7f : 0x110000;
}

/** A code point between two, neither a slash nor a half of a surrogate pair; undefined when there is none. */
function onTheWay(least: number, most: number, share: number = 0.5): number | undefined {
  if (most - least < 2) return undefined;
  // Few keys go beyond ASCII.
  const wished = least < 0x7e && most > 0x7f ? 0x7f : Math.floor(least + share * (most - least));
  const between = Math.min(most - 1, Math.max(least + 1, wished));
  if (between === 0x2f) return most > 0x30 ? 0x30 : least < 0x2e ? 0x2e : undefined;
  if (between < 0xd800 || between > 0xdfff) return between;
  return least < 0xd7ff ? 0xd7ff : most > 0xe000 ? 0xe000 : undefined;
}

/** Names that Firestore keeps for itself become the next ones behind them. */
function allowed(segment: string): string {
  return /^(\.\.?|__.*__)$/s.test(segment) ? `${segment}\u0001` : segment;
}

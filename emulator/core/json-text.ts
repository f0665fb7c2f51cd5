import { ApiError } from './errors.ts';

/** As deep as Google's front end reads. */
const MAX_JSON_DEPTH = 100;

/** Reads the body of a request. Throws INVALID_ARGUMENT for what is no JSON, or nested too deep to be safe. */
export function parseJson(text: string): unknown {
  // An empty body stands for an empty message; the Node client's REST fallback writes that as `""`.
  if (text.trim() === '' || text === '""') return {};
  if (depthOf(text) > MAX_JSON_DEPTH) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      `Invalid JSON payload received. It is nested deeper than ${MAX_JSON_DEPTH} levels.`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError('INVALID_ARGUMENT', `Invalid JSON payload received. ${(cause as Error).message}`);
  }
}

/**
 * The deepest nesting of brackets outside strings. For text that is no JSON it need only be safe to parse. A loop, because a
 * regular expression needs a stack as long as the longest string.
 */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) isInString = false;
    } else if (code === QUOTE) isInString = true;
    else if (code === OPENING_BRACKET || code === OPENING_BRACE) deepest = Math.max(deepest, ++depth);
    else if (code === CLOSING_BRACKET || code === CLOSING_BRACE) depth--;
  }
  return deepest;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

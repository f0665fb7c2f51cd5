/** `VERSION-TRACE-SPAN-FLAGS` of W3C Trace Context, in which zeros stand for nothing. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-.*)?$/;

/** The trace that a `traceparent` names; undefined if it is none. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return traceparent === undefined ? undefined : TRACEPARENT.exec(traceparent)?.[1];
}

/** The value of `traceparent` among headers in any casing. */
export function traceparentIn(headers: Readonly<Record<string, string>>): string | undefined {
  for (const [name, value] of Object.entries(headers)) if (name.toLowerCase() === 'traceparent') return value;
  return undefined;
}

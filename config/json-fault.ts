/** Where a text stops being JSON. Lines and columns count from 1. */
export interface JsonFault {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

/** Finds the first fault of a text that `JSON.parse` refused. The parser names the place of some faults only. */
export function jsonFault(text: string, error: SyntaxError): JsonFault {
  let isViable = 0;
  let isBroken = text.length + 1;
  // The longest beginning that could still become JSON ends where the fault is.
  while (isBroken - isViable > 1) {
    const middle = Math.floor((isViable + isBroken) / 2);
    if (couldGoOn(text.slice(0, middle))) isViable = middle;
    else isBroken = middle;
  }
  const before = text.slice(0, isViable).split('\n');
  const reason = error.message
    .replace(/ in JSON at position \d+( \(line \d+ column \d+\))?$/, '')
    .replace(/, (\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, '')
    .replace('JSON input', 'the file');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1, reason };
}

function couldGoOn(beginning: string): boolean {
  try {
    JSON.parse(beginning);
    return true;
  } catch (error) {
    const { message } = error as SyntaxError;
    return (
      /^Unexpected end|^Unterminated string/.test(message) ||
      message.includes(`at position ${beginning.length} `)
    );
  }
}

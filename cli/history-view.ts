import type { RunSummary } from '../lib/index.ts';
import { cut, errorText } from './error-text.ts';
import { fitLastColumn } from './fit-table.ts';
import { instantText } from './instant-text.ts';
import { paint, print, printTable } from './output.ts';

type Entry = RunSummary['history'][number];

/** How many entries are shown to people. */
const mostShown = 5;

/** A longer address leaves no room for the reason. */
const longestBy = 60;

const head = ['TIME (UTC)', 'EVENT', 'BY', 'REASON'];

/** What happened to a run last, the newest last; nothing of a run to which only one thing has happened. */
export function printHistory({ history }: RunSummary): void {
  if (history.length < 2) return;
  const earlier = history.length - mostShown;
  const rows = history.slice(-mostShown).map(rowOf);
  print();
  printTable(head, fitLastColumn(head, rows));
  if (earlier > 0) print(paint('dim', `and ${earlier} before that: --json has them`));
}

function rowOf({ at, by, reason = '', ...entry }: Entry): string[] {
  const who = cut(errorText({ message: by }), longestBy);
  return [instantText(at), eventText(entry), who, errorText({ message: reason })];
}

/** Such as `pause`, and `throttle to 50/s`. */
function eventText({ event, documentsPerSecond: rate }: Pick<Entry, 'event' | 'documentsPerSecond'>): string {
  if (rate === undefined) return event;
  return rate === null ? `${event} to none` : `${event} to ${rate}/s`;
}

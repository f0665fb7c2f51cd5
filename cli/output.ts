import { createRequire } from 'node:module';
import { styleText } from 'node:util';
import type Table from 'cli-table3';

type Format = Parameters<typeof styleText>[0];

/** Colours a text for standard output; leaves it plain where that is no terminal or NO_COLOR is set. */
export function paint(format: Format, text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** A whole result for programs, on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** One event for programs, on one line of standard output. */
export function printJsonLine(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Rows under a head, in columns without lines. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const table = plainTable();
  table.push(
    head.map((title) => paint('bold', title)),
    ...rows.map((row) => [...row]),
  );
  print(trimLines(table.toString()));
}

/** Names and their values, one pair a line. */
export function printPairs(pairs: readonly (readonly [name: string, value: string])[]): void {
  const table = plainTable();
  table.push(...pairs.map(([name, value]) => [paint('dim', name), value]));
  print(trimLines(table.toString()));
}

function plainTable(): Table.Table {
  const none = Object.fromEntries(borders.split(' ').map((border) => [border, '']));
  // Loaded with the first table: most commands print none, and it is a part of their start.
  const NewTable = createRequire(import.meta.url)('cli-table3') as typeof Table;
  return new NewTable({
    chars: { ...none, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
}

const borders =
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid';

function trimLines(text: string): string {
  return text.replaceAll(/ +$/gm, '');
}

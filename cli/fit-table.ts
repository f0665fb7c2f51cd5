import { stripVTControlCharacters } from 'node:util';
import { cut } from './error-text.ts';

/** What is between two columns. */
const gap = 2;
/**
 * The rows of a table with their last cells cut, so that no line is longer than the terminal is wide; as they are where that is unknown,
 * as for a file or another program, which have room.
 */
export function fitLastColumn(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number | undefined = process.stdout.columns,
): readonly (readonly string[])[] {
  if (columns === undefined) return rows;
  const others = head.slice(0, -1).map((title, place) => {
    const cells = [title, ...rows.map((row) => row[place] ?? '')];
    return Math.max(...cells.map((cell) => stripVTControlCharacters(cell).length)) + gap;
  });
  // Its title needs as much anyway.
  const room = Math.max(head.at(-1)?.length ?? 0, columns - others.reduce((sum, width) => sum + width, 0));
  return rows.map((row) => row.map((cell, place) => (place === head.length - 1 ? cut(cell, room) : cell)));
}

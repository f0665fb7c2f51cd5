/**
 * An error on one line, behind the document at fault where one is known. Messages have lines (those of a schema begin with `[`), and what
 * a terminal would take for a command.
 */
export function errorText({
  message,
  document,
}: {
  readonly message: string;
  readonly document?: string;
}): string {
  const said = document === undefined ? message : `${document}: ${message}`;
  return said.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** A text of at most so many characters, of which the last one says that there was more. */
export function cut(text: string, most: number): string {
  const characters = Array.from(text);
  return characters.length <= most ? text : `${characters.slice(0, Math.max(0, most - 1)).join('')}…`;
}

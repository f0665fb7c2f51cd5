import { InvalidArgumentError } from 'commander';

/** Reads an argument that is the name of a task, by the rule that definitions are held to: it becomes a part of a URL. */
export function taskName(text: string): string {
  if (/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError(
    'The name of a task has lower-case letters, digits and hyphens, at most 63, a letter first.',
  );
}

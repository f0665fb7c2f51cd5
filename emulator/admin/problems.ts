import type { z } from 'zod';

/** Each fault with the path of its field, beginning with the `place` in which it stands. */
export function problemsOf(error: z.ZodError, place: string): string {
  return error.issues
    .map(({ path, message }) => `${[place, ...path].map(String).join('.')}: ${message}`)
    .join('; ');
}

import type { Drawing } from '../../lib/core/drawing.ts';

/** Takes step after step until the drawing is complete. */
export async function drawn(
  step: (soFar: Drawing | undefined) => Promise<Drawing>,
  soFar?: Drawing,
): Promise<Drawing> {
  const drawing = await step(soFar);
  return drawing.search === undefined ? drawing : await drawn(step, drawing);
}

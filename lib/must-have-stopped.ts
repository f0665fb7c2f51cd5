import { isOverdue } from './core/control.ts';
import { PageturnerError } from './core/errors.ts';
import type { Run } from './core/run.ts';
import type { Attempt, Versioned } from './ports.ts';

/**
 * Lets a delivery go on that finds its run told to stop, if no delivery before it can be at work on the same. A handler is called only
 * where the run was read to go on, so nobody is at work on a task that was first delivered after the run was written as it stands. Of
 * another, a delivery that came before may be, for as long as its `timeoutSeconds`.
 *
 * @param attempt undefined where no queue delivers, and none did before
 * @throws PageturnerError `held`: it must come again.
 */
export async function mustHaveStopped(
  { value: run, writtenAt }: Versioned<Run>,
  attempt: Attempt | undefined,
  now: number,
): Promise<void> {
  if (attempt === undefined || isOverdue(run, now)) return;
  const firstMadeAt = await attempt.firstMadeAt();
  if (firstMadeAt !== undefined && firstMadeAt > writtenAt) return;
  throw new PageturnerError(
    'held',
    `Run ${run.id} is ${run.state}, and an earlier delivery of this task may be at work still.`,
  );
}

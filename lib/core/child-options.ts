import { faultOfTask } from './check-definition.ts';
import type { ChildOptions } from './context.ts';
import type { AnyTask } from './definition.ts';
import { faultOfKeys } from './known-keys.ts';
import { faultOfQueue } from './queue-name.ts';

/** What may be given with any start. */
export const childKeys: Readonly<Record<keyof ChildOptions, true>> = { queue: true, delay: true, at: true };

/** What is wrong with a start by a handler, beside its parameters and its time, or undefined. */
export function faultOfChild(task: AnyTask, options: ChildOptions): string | undefined {
  const fault = faultOfTask(task);
  if (fault !== undefined) return fault;
  const { queue = task.queue } = options;
  return faultOfKeys(options, childKeys) ?? faultOfQueue(queue);
}

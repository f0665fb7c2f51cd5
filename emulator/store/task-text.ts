import type { Queue, Target, Task } from '../core/model.ts';

/** What attempts change of a task, and its name; the rest of it is its target. */
export type Progress = Omit<Task, 'target'>;

/** JSON is written and read several times as fast as what `node:v8` makes of the same objects. */
export function progressToText(task: Progress): string {
  return JSON.stringify({ ...task, target: undefined });
}

/** The target without its body, which JSON cannot hold. */
export function targetToText(target: Target): string {
  return JSON.stringify({ ...target, body: undefined });
}

export function taskFromText(progress: string, target: string, body: Uint8Array): Task {
  const rest = JSON.parse(target) as Omit<Target, 'body'>;
  // A copy: what comes from SQLite takes several times the room of a small body.
  return { ...(JSON.parse(progress) as Progress), target: { ...rest, body: new Uint8Array(body) } as Target };
}

export function queueFromText(text: string): Queue {
  return JSON.parse(text) as Queue;
}

import type { Queue, Target, Task } from '../core/model.ts';

/** What attempts change of a task, and its name; the rest of it is its target. */
export type Progress = Omit<Task, 'target'>;

/** The task without its body, which JSON cannot hold. JSON is written and read several times as fast as what `node:v8` makes of the same. */
export function taskToText(task: Task): string {
  return JSON.stringify({ ...task, target: { ...task.target, body: undefined } });
}

export function progressToText(task: Progress): string {
  return JSON.stringify({ ...task, target: undefined });
}

/** @param progress What attempts have made of it; null if none has begun. */
export function taskFromText(text: string, body: Uint8Array, progress: string | null): Task {
  const { target, ...first } = JSON.parse(text) as Progress & { readonly target: Omit<Target, 'body'> };
  return {
    ...(progress === null ? first : (JSON.parse(progress) as Progress)),
    // A copy: what comes from SQLite takes several times the room of a small body.
    target: { ...target, body: new Uint8Array(body) } as Target,
  };
}

export function queueFromText(text: string): Queue {
  return JSON.parse(text) as Queue;
}

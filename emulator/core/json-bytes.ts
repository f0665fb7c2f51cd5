import type { Task } from './model.ts';

/** Bytes of a task as JSON, in the words of the model, with its body in base64. */
export function jsonBytesOf({ target, ...task }: Task): number {
  const text = JSON.stringify({ ...task, target: { ...target, body: '' } });
  return Buffer.byteLength(text) + Math.ceil(target.body.length / 3) * 4;
}

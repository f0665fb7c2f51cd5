import type { Lane } from './lane.ts';

/** An attempt that is out. */
export interface AttemptOut {
  readonly lane: Lane;
  readonly taskName: string;
  /** From 1. */
  readonly number: number;
  /** Where the wait before the next attempt is counted from, if not from the end of this one. */
  readonly retryFrom: number | undefined;
  /** Whether its task is gone: deleted, purged, or completed by another attempt. Its end then decides nothing. */
  isVoid: boolean;
}

/** The attempts that are out, by task. */
export class AttemptsOut {
  readonly #byTask = new Map<string, AttemptOut[]>();

  add(attempt: AttemptOut): void {
    const others = this.#byTask.get(attempt.taskName);
    if (others === undefined) this.#byTask.set(attempt.taskName, [attempt]);
    else others.push(attempt);
  }

  /** An attempt has ended. */
  remove(attempt: AttemptOut): void {
    const left = this.#byTask.get(attempt.taskName)?.filter((other) => other !== attempt) ?? [];
    if (left.length > 0) this.#byTask.set(attempt.taskName, left);
    else if (!attempt.isVoid) this.#byTask.delete(attempt.taskName);
  }

  /** A task is gone: the ends of its attempts decide nothing any more. */
  voidAll(taskName: string): void {
    for (const attempt of this.#byTask.get(taskName) ?? []) attempt.isVoid = true;
    this.#byTask.delete(taskName);
  }

  clear(): void {
    this.#byTask.clear();
  }
}

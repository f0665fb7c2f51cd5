import type { EngineEvent } from './events.ts';

/** Knows when no queue holds a task: it counts them as they come and go. */
export class IdleWatch {
  #tasks: number;
  readonly #waiting: (() => void)[] = [];

  /** @param tasks How many there are at the beginning. */
  constructor(tasks: number) {
    this.#tasks = tasks;
  }

  readonly listener = ({ kind }: EngineEvent): void => {
    if (kind === 'taskCreated') this.#tasks += 1;
    if (kind !== 'taskDeleted') return;
    this.#tasks -= 1;
    if (this.#tasks > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  };

  /** Settles when there is no task: at once if there is none now. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#tasks === 0) resolve();
      else this.#waiting.push(resolve);
    });
  }
}

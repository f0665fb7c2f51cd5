import type { ServerResponse } from 'node:http';
import { ApiError } from '../core/errors.ts';
import type { EngineListener } from '../engine/events.ts';

/** What comes together within this time is told together. */
const GATHER_MS = 200;
const MAX_LOOKING = 100;

/**
 * Tells those who look that something has changed, as server-sent events. Without anybody looking it listens to nothing and has no
 * timer.
 */
export class Live {
  readonly #observe: (listener: EngineListener) => () => void;
  readonly #looking = new Set<ServerResponse>();
  #endObserving: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(observe: (listener: EngineListener) => () => void) {
    this.#observe = observe;
  }

  /** @throws ApiError RESOURCE_EXHAUSTED when too many look already */
  checkRoom(): void {
    if (this.#looking.size < MAX_LOOKING) return;
    throw new ApiError(
      'RESOURCE_EXHAUSTED',
      `${MAX_LOOKING} pages follow the console already; close some of them.`,
    );
  }

  /** Sends events until the response's connection ends. Its head must have been written. */
  follow(response: ServerResponse): void {
    this.#looking.add(response);
    response.once('close', () => this.#leave(response));
    this.#endObserving ??= this.#observe(() => this.#changed());
    // The browser asks again a second after it has lost the connection.
    response.write('retry: 1000\n\n');
  }

  #leave(response: ServerResponse): void {
    this.#looking.delete(response);
    if (this.#looking.size > 0) return;
    this.#endObserving?.();
    this.#endObserving = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // One that does not read gets nothing more until it does: what it has not read says the same.
      for (const response of this.#looking)
        if (!response.writableNeedDrain) response.write('data: changed\n\n');
    }, GATHER_MS);
  }
}

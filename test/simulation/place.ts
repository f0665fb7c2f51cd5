import { AsyncLocalStorage } from 'node:async_hooks';

/** Where the user's code is called from, which it is not told itself. */
export interface Place {
  readonly run: string;
  /** `none`: for what the run does itself. */
  readonly shard: number | 'none';
  /** Those of the delivery, for a turn; of what the run does itself, the epoch alone. */
  readonly turn?: number;
  readonly epoch?: number;
  /** Whether a run is prepared. */
  readonly isPreparation?: boolean;
  /** The process that it runs in. */
  readonly process: { readonly isDead: boolean; kill(): void };
  /** How many of the runs' own handlers had taken effect when the delivery came. */
  readonly since: number;
}

/** The delivery that the running code serves. */
export const servedPlace: AsyncLocalStorage<Place> = new AsyncLocalStorage();

/** The deliveries that were given a run and its shard as they were before, which no Firestore does. */
export const misled: WeakSet<Place> = new WeakSet();

/** The same text for each delivery to the same shard. */
export function keyOf({ run, shard }: Pick<Place, 'run' | 'shard'>): string {
  return `${run}/${shard}`;
}

import type { PageSize } from '../../lib/core/page-size.ts';
import type { OnOtherVersion } from '../../lib/core/version.ts';
import type { OnError } from '../../lib/core/failure-rules.ts';
import type { Chance } from './chance.ts';

/** Which walk a history has: what the definition of its task says, and the limits of its database and queue. */
export interface Walk {
  readonly over: 'collection' | 'filter' | 'order' | 'downwards' | 'group';
  readonly handler: 'page' | 'each';
  /** Parts of the key space; 1 where the order makes more of them unsound. */
  readonly shards: number;
  readonly pageSize: PageSize;
  readonly timeoutSeconds: number;
  readonly onError: OnError;
  readonly tries: number;
  readonly maxFailures: number;
  readonly maxQuarantined: number;
  readonly exclusive: boolean;
  /** Writes beyond which the database refuses a commit; there is always room for those of one document. */
  readonly mostWrites: number;
  /** Attempts after which its queue drops a task; undefined where it never does. */
  readonly maxAttempts: number | undefined;
  /** Whether its runs share a key. */
  readonly isKeyed: boolean;
  /** Documents a second, at most. */
  readonly documentsPerSecond?: number;
  /** Writes of each document by which its runs keep to the database's ramp. */
  readonly rampWrites?: number;
  /** Seconds from the call that starts a run to its beginning, as a delay or as the instant at which they are over. */
  readonly startsAfter?: { readonly seconds: number; readonly as: 'delay' | 'at' };
  /** Steps of the search for its boundaries before the last one. */
  readonly searchSteps: number;
  /** Whether it is asked before each page whether that is to wait. */
  readonly waits: boolean;
  /** What a worker does with a run of another version; undefined for a task without versions. */
  readonly onOtherVersion?: OnOtherVersion;
  /** Whether its pages carry a state. */
  readonly hasState: boolean;
  /** Whether it has callbacks. */
  readonly hasCallbacks: boolean;
  /** Whether its runs complete only when what their pages started has ended. */
  readonly waitsForChildren: boolean;
  /** Attempts after which the queue of its children drops a task; undefined where it never does. */
  readonly childAttempts: number | undefined;
  /** Seconds between a run's completion and the beginning of the next one; undefined where none follows. */
  readonly repeatsAfter: number | undefined;
}

export function drawWalk(chance: Chance): Walk {
  const waitsForChildren = chance.happens(0.35);
  const over = chance.pick([
    ...(['collection', 'collection', 'filter', 'order'] as const),
    ...(['downwards', 'group', 'group'] as const),
  ]);
  return {
    over,
    handler: chance.pick(['page', 'each']),
    shards: isOrdered({ over }) ? 1 : chance.between(1, 4),
    pageSize: chance.happens(0.75) ? chance.between(2, 4) : { min: 1, max: 6, seconds: chance.between(1, 8) },
    timeoutSeconds: chance.pick([15, 60]),
    onError: chance.pick(['retry', 'retry', 'quarantine', 'quarantine', 'fail']),
    tries: chance.between(1, 3),
    maxFailures: chance.between(1, 3),
    maxQuarantined: chance.pick([1, 1000, 1000]),
    exclusive: chance.happens(0.25),
    mostWrites: chance.pick([4, 500, 500]),
    maxAttempts: chance.pick([undefined, undefined, undefined, 8]),
    isKeyed: chance.happens(0.3),
    ...chance.pick([{}, {}, {}, {}, {}, { documentsPerSecond: 2 }, { documentsPerSecond: 6 }]),
    ...chance.pick([{}, {}, {}, {}, {}, { rampWrites: 100 }, { rampWrites: 300 }]),
    ...(chance.happens(0.3)
      ? { startsAfter: { seconds: chance.between(1, 30), as: chance.pick(['delay', 'at'] as const) } }
      : {}),
    searchSteps: chance.between(0, 5),
    waits: chance.happens(0.3),
    ...chance.pick([
      {},
      {},
      { onOtherVersion: 'continue' as const },
      { onOtherVersion: 'pause' as const },
      { onOtherVersion: 'fail' as const },
    ]),
    hasState: chance.happens(0.5),
    hasCallbacks: chance.happens(0.6),
    waitsForChildren,
    childAttempts: waitsForChildren ? chance.pick([undefined, undefined, 4]) : undefined,
    // Longer than clocks differ, or run would follow run at once.
    repeatsAfter: chance.happens(0.5) ? chance.between(6, 12) : undefined,
  };
}

/** Whether the place of a document in the walk is that of a value in it, which may change. */
export function isOrdered({ over }: Pick<Walk, 'over'>): boolean {
  return over === 'order' || over === 'downwards';
}

/** When a run of it is to begin that is started now. */
export function startOf({ startsAfter }: Walk, now: number): { delay?: number; at?: Date } {
  if (startsAfter === undefined) return {};
  const { seconds, as } = startsAfter;
  return as === 'delay' ? { delay: seconds } : { at: new Date(now + seconds * 1000) };
}

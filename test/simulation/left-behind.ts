import type { Run } from '../../lib/core/run.ts';
import type { History } from './history.ts';

/** Whether something holds, and what it means if it does not. */
export type Demand = (isHeld: boolean, violation: string) => void;

/** Parameters of the children. */
interface Params {
  readonly run: string;
  readonly path?: string;
  readonly effect?: number;
  readonly callback?: string;
}

/** The records of a collection. */
export function documentsOf<T>({ db }: History, collection: string): T[] {
  return db.documentsIn([collection]).map((document) => document.data() as T);
}

/** Parameters of the tasks that the queues took for a function on behalf of a run, the repetitions of a task aside. */
export function paramsFor({ created }: History, worker: string, { id }: Run): Params[] {
  return created
    .filter((task) => task.worker === worker)
    .flatMap(({ delivery }) => {
      const isFirst = delivery.kind === 'start' || (delivery.kind === 'task' && delivery.repeat === 0);
      return isFirst ? [delivery.params as unknown as Params] : [];
    })
    .filter(({ run }) => run === id);
}

/** Parameters of the children that the documents of a run have started. */
export function childrenOf(history: History, run: Run): Params[] {
  return [...paramsFor(history, 'child', run), ...paramsFor(history, 'branch', run)];
}

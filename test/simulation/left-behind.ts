import type { Run } from '../../lib/core/run.ts';
import type { History } from './history.ts';

/** Whether something holds, and what it means if it does not. */
export type Demand = (isHeld: boolean, violation: string) => void;

/** Parameters of the children. */
interface Params {
  readonly run: string;
  readonly path?: string;
  readonly callback?: string;
}

/** The records of a collection. */
export function documentsOf<T>({ db }: History, collection: string): T[] {
  return db.documentsIn([collection]).map((document) => document.data() as T);
}

/** Parameters of the tasks that the queues took for a function on behalf of a run. */
export function paramsFor({ created }: History, worker: string, { id }: Run): Params[] {
  return created
    .filter((task) => task.worker === worker)
    .map(({ body }) => (JSON.parse(body) as { params: Params }).params)
    .filter(({ run }) => run === id);
}

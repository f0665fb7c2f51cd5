import { shortId } from '../core/names.ts';
import { isLive, isLost, stepOf } from './chain.ts';
import type { Chain, ChainState, KnownTask } from './chain.ts';

/** Where a task stands among those that created each other. */
interface Descent {
  readonly root: string;
  readonly depth: number;
}

/**
 * Tasks that belong together by a common trace, or because one was created while another was being delivered.
 *
 * @param tasks in the order of their creation
 */
export function foreignChains(tasks: readonly KnownTask[]): Chain[] {
  const descents = descentsOf(tasks);
  const groups = Map.groupBy(
    tasks,
    ({ record }) => record.traceId ?? descents.get(record.taskName)?.root ?? record.taskName,
  );
  return [...groups]
    .filter(([, members]) => members.length > 1)
    .map(([id, members]) => chainOf(id, members, descents));
}

/** Each task comes behind the one that created it, so that one pass finds all. */
function descentsOf(tasks: readonly KnownTask[]): ReadonlyMap<string, Descent> {
  const descents = new Map<string, Descent>();
  for (const { record } of tasks) {
    const parent = descents.get(record.createdDuring?.taskName ?? '');
    descents.set(
      record.taskName,
      parent === undefined
        ? { root: record.taskName, depth: 0 }
        : { root: parent.root, depth: parent.depth + 1 },
    );
  }
  return descents;
}

function chainOf(id: string, members: readonly KnownTask[], descents: ReadonlyMap<string, Descent>): Chain {
  const [first] = members;
  const steps = members.map((task) => {
    const { taskName } = task.record;
    return stepOf(task, shortId(taskName), descents.get(taskName)?.depth ?? 0, []);
  });
  return {
    id,
    by: first?.record.traceId === id ? 'trace' : 'creation',
    queueName: first?.record.queueName ?? '',
    state: stateOfChain(members),
    startedAt: first?.record.createdAt ?? 0,
    strands: [{ steps, gaps: [] }],
    others: [],
    children: 0,
  };
}

/** Nothing tells the end of such a chain from a stop: its last task tells whether it was delivered. */
function stateOfChain(members: readonly KnownTask[]): ChainState {
  if (members.some(isLive)) return 'goingOn';
  const last = members.at(-1);
  return last !== undefined && isLost(last) ? 'broken' : 'still';
}

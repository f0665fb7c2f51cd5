import type { TaskRecord } from '../admin/task-history.ts';
import { entityNotFound } from '../core/faults.ts';
import type { Task } from '../core/model.ts';
import { queueOfTask, shortId } from '../core/names.ts';
import type { Chain, KnownTask, Step, Strand } from './chain.ts';
import { foreignChains } from './foreign-chain.ts';
import { pageChain } from './page-chain.ts';
import { pagePlaceOf } from './page-name.ts';
import { placeInBody } from './place-in-body.ts';
import type { Sources } from './sources.ts';
import { stateOf } from './task-state.ts';

/** Tasks of a data file that no event of this process told of: so many of each queue are taken in. */
const MAX_UNTOLD = 10_000;
const MAX_CHAINS = 200;
/** Of a strand; the newest. */
const MAX_STEPS = 1000;

/** A step, and where the page of it starts as its body says. */
export interface PlacedStep extends Step {
  readonly place?: string;
}

export interface PlacedChain extends Omit<Chain, 'strands' | 'others'> {
  readonly now: number;
  /** The queue's id. */
  readonly queue: string;
  readonly strands: readonly (Omit<Strand, 'steps'> & {
    readonly steps: readonly PlacedStep[];
    /** Earlier steps that are left out. */
    readonly leftOut: number;
  })[];
  readonly others: readonly PlacedStep[];
}

/** The newest chains, without their steps. */
export function chainsJson(sources: Sources): object {
  const chains = allChains(sources);
  return {
    now: sources.now(),
    total: chains.length,
    chains: chains.slice(0, MAX_CHAINS).map(({ strands, others, ...chain }) => {
      const steps = strands.flatMap((strand) => strand.steps);
      return {
        ...chain,
        queue: shortId(chain.queueName),
        steps: steps.length,
        last: steps.at(-1)?.label,
        shards: strands.length,
        gaps: strands.flatMap(({ gaps }) => gaps).filter(({ kind }) => kind === 'missing').length,
        notes: [...steps, ...others].reduce((sum, { notes }) => sum + notes.length, 0),
      };
    }),
  };
}

/**
 * One chain with its steps, and where each page starts.
 *
 * @throws ApiError NOT_FOUND
 */
export function chainJson(id: string, sources: Sources): PlacedChain {
  const chain = allChains(sources).find((each) => each.id === id);
  if (chain === undefined) throw entityNotFound();
  const placeOf = places(sources);
  const withPlace = (step: Step): PlacedStep => {
    const place = placeOf(step.taskName);
    return { ...step, ...(place !== undefined && { place }) };
  };
  return {
    ...chain,
    now: sources.now(),
    queue: shortId(chain.queueName),
    strands: chain.strands.map(({ steps, ...strand }) => ({
      ...strand,
      steps: steps.slice(-MAX_STEPS).map(withPlace),
      leftOut: Math.max(0, steps.length - MAX_STEPS),
    })),
    others: chain.others.map(withPlace),
  };
}

/** Where the page starts that a task's body asks for. */
function places(sources: Sources): (taskName: string) => string | undefined {
  const bodies = new Map(
    sources.attempts.attempts().map(({ taskName, deliveries }) => [taskName, deliveries.at(-1)?.body]),
  );
  return (taskName) => {
    const body = sources.getTask(taskName)?.target.body ?? bodies.get(taskName);
    return body === undefined ? undefined : placeInBody(body);
  };
}

/** Newest first. */
function allChains(sources: Sources): Chain[] {
  const tasks = knownTasks(sources);
  const runs = Map.groupBy(
    tasks.filter(({ place }) => place !== undefined),
    ({ place }) => place?.run ?? '',
  );
  const chains = [
    ...[...runs].map(([run, ofRun]) => pageChain(run, ofRun)),
    ...foreignChains(tasks.filter(({ place }) => place === undefined)),
  ];
  return chains.toSorted((one, other) => other.startedAt - one.startedAt);
}

/** In the order of their creation. */
function knownTasks(sources: Sources): KnownTask[] {
  const attempts = Map.groupBy(sources.attempts.attempts(), ({ taskName }) => taskName);
  const told = sources.history.list();
  const names = new Set(told.map(({ taskName }) => taskName));
  const untold = sources
    .listQueues()
    .flatMap(({ name }) => sources.listTasks(name, { start: 0, limit: MAX_UNTOLD }).tasks)
    .filter(({ name }) => !names.has(name))
    .map(recordOf);
  return [...untold, ...told].map((record) => {
    const { taskName } = record;
    const task = record.left === undefined ? sources.getTask(taskName) : undefined;
    return {
      record,
      state: record.left ?? (task === undefined ? 'completed' : stateOf(task, sources)),
      place: pagePlaceOf(shortId(taskName)),
      attempts: attempts.get(taskName) ?? [],
    };
  });
}

function recordOf({ name, createAt }: Task): TaskRecord {
  return { taskName: name, queueName: queueOfTask(name), createdAt: createAt };
}

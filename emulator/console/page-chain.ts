import { isLive, isLost, stepOf } from './chain.ts';
import type { Chain, ChainState, Gap, KnownTask, Step, Strand } from './chain.ts';
import type { PagePlace } from './page-name.ts';

type Placed<Kind extends PagePlace['kind']> = KnownTask & {
  readonly place: Extract<PagePlace, { readonly kind: Kind }>;
};

/** A run of Pageturner as its tasks tell it: a strand of pages for each shard, and what the run does besides. */
export function pageChain(run: string, tasks: readonly KnownTask[]): Chain {
  const turns = tasks.filter((task) => isPlaced(task, 'turn'));
  const finishes = tasks.filter((task) => isPlaced(task, 'finish'));
  const children = tasks.filter((task) => isPlaced(task, 'child'));
  const own = tasks.filter(({ place }) => place?.kind !== 'child');
  const shards = Map.groupBy(turns, ({ place }) => place.shard);
  for (const { place } of finishes) if (!shards.has(place.shard)) shards.set(place.shard, []);
  const strands = [...shards]
    .toSorted(([one], [other]) => one - other)
    .map(([shard, ofShard]) =>
      strandOf(shard, ofShard, {
        finishes: finishes.filter(({ place }) => place.shard === shard),
        children: children.filter(({ place }) => place.shard === shard),
      }),
    );
  const others = own.filter(({ place }) => place?.kind !== 'turn' && place?.kind !== 'finish');
  const [first] = own.length > 0 ? own : tasks;
  return {
    id: run,
    by: 'name',
    queueName: first?.record.queueName ?? '',
    state: stateOfRun(own),
    startedAt: first?.record.createdAt ?? 0,
    strands,
    others: others.map((task) => stepOf(task, labelOf(task.place), 0, [])),
    children: children.length,
  };
}

function isPlaced<Kind extends PagePlace['kind']>(task: KnownTask, kind: Kind): task is Placed<Kind> {
  return task.place?.kind === kind;
}

function strandOf(
  shard: number,
  turns: readonly Placed<'turn'>[],
  of: { readonly finishes: readonly Placed<'finish'>[]; readonly children: readonly Placed<'child'>[] },
): Strand {
  const sorted = turns.toSorted(
    (one, other) => one.place.turn - other.place.turn || one.place.epoch - other.place.epoch,
  );
  const started = Map.groupBy(of.children, ({ place }) => place.turn);
  const pages = sorted.map((task, index): Step => {
    const { turn, epoch } = task.place;
    const isAgain = sorted[index - 1]?.place.turn === turn;
    return {
      ...stepOf(task, `page ${turn}`, 0, isAgain ? [`enqueued again, in epoch ${epoch}`] : []),
      epoch,
      children: started.get(turn)?.length ?? 0,
    };
  });
  const ends = of.finishes.map((task) => stepOf(task, 'finish', 0, []));
  return { shard, steps: [...pages, ...ends], gaps: gapsOf(sorted.map(({ place }) => place.turn)) };
}

function gapsOf(turns: readonly number[]): Gap[] {
  const gaps: Gap[] = [];
  let expected = 0;
  for (const turn of turns) {
    if (turn > expected)
      gaps.push({ from: expected, to: turn - 1, kind: expected === 0 ? 'unknown' : 'missing' });
    expected = Math.max(expected, turn + 1);
  }
  return gaps;
}

function stateOfRun(own: readonly KnownTask[]): ChainState {
  if (own.some(isLive)) return 'goingOn';
  if (own.some(({ place, state }) => place?.kind === 'complete' && state === 'completed')) return 'ended';
  return own.some((task) => isLost(task) && !isReplaced(task, own)) ? 'broken' : 'still';
}

/** Whether a later page of its shard was enqueued, or the same one again: then its loss did not stop the chain. */
function isReplaced({ place }: KnownTask, own: readonly KnownTask[]): boolean {
  if (place?.kind !== 'turn') return false;
  return own.some(
    ({ place: other }) =>
      (other?.kind === 'turn' &&
        other.shard === place.shard &&
        (other.turn > place.turn || (other.turn === place.turn && other.epoch > place.epoch))) ||
      (other?.kind === 'finish' && other.shard === place.shard),
  );
}

function labelOf(place: PagePlace | undefined): string {
  return place?.kind === 'callback' ? `callback ${place.number}` : (place?.kind ?? '');
}

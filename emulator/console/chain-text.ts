import type { Gap } from './chain.ts';
import type { PlacedChain, PlacedStep } from './chains.ts';

/** A chain as text, for a report of a bug: names, places and times, and no bodies or headers. */
export function chainText(chain: PlacedChain): string {
  const { id, by, queueName, state, startedAt, children, now, strands, others } = chain;
  const lines = [
    `Chain ${id}, found by ${by}`,
    `Queue ${queueName}`,
    `State ${state}, begun ${time(startedAt)}, seen ${time(now)}`,
    ...(children > 0 ? [`Children ${children}`] : []),
  ];
  for (const { shard, steps, gaps, leftOut } of strands) {
    lines.push('', shard === undefined ? 'Tasks' : `Shard ${shard}`);
    if (leftOut > 0) lines.push(`  (${leftOut} earlier ones left out)`);
    lines.push(...gaps.map(gapText), ...steps.map(stepText));
  }
  if (others.length > 0) lines.push('', 'Besides', ...others.map(stepText));
  return `${lines.join('\n')}\n`;
}

function gapText({ from, to, kind }: Gap): string {
  const pages = from === to ? `page ${from}` : `pages ${from} to ${to}`;
  return `  ! ${pages}: ${kind === 'missing' ? 'missing, though later ones are there' : 'older than the history'}`;
}

function stepText({
  label,
  state,
  epoch,
  attempts,
  createdAt,
  leftAt,
  place,
  children,
  notes,
  depth,
}: PlacedStep): string {
  const parts = [
    `${label}: ${state}`,
    ...(epoch === undefined ? [] : [`epoch ${epoch}`]),
    `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`,
    `${time(createdAt)} to ${leftAt === undefined ? 'now' : time(leftAt)}`,
    ...(place === undefined ? [] : [`from ${oneLine(place)}`]),
    ...((children ?? 0) > 0 ? [`${children} children`] : []),
    ...notes.map((note) => `! ${note}`),
  ];
  return `${'  '.repeat(Math.min(depth, 20) + 1)}${parts.join(', ')}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

function time(at: number): string {
  return new Date(at).toISOString();
}

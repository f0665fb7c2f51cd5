import type { RunSummary } from '../lib/index.ts';

/** What a dry run has found out, for people; nothing for another run. */
export function reportPairs({ report }: RunSummary): (readonly [string, string])[] {
  if (report === undefined) return [];
  const counts = (['set', 'update', 'create', 'delete'] as const).flatMap((kind) =>
    report[kind] > 0 ? [`${report[kind]} × ${kind}`] : [],
  );
  const started = Object.entries(report.started).map(([task, count]) => `${count} × ${task}`);
  return [
    ['would write', counts.join(', ') || 'nothing'],
    ['would start', started.join(', ') || 'nothing'],
    ...report.sample.map(
      ({ kind, path }, place) => [place === 0 ? 'first writes' : '', `${kind} ${path}`] as const,
    ),
  ];
}

import type { OutboxTask } from './outbox.ts';
import type { Write } from './write.ts';

/** What the handlers of a dry run asked for, and was not done. */
export interface EffectsReport {
  /** Writes of each kind. */
  readonly set: number;
  readonly update: number;
  readonly create: number;
  readonly delete: number;
  /** Tasks, by their names. */
  readonly started: Readonly<Record<string, number>>;
  /** The first of the writes: at most 20. Values are not kept. */
  readonly sample: readonly SampledWrite[];
}

export interface SampledWrite {
  readonly kind: Write['kind'];
  /** The document's. */
  readonly path: string;
}

const longestSample = 20;

const nothing: EffectsReport = { set: 0, update: 0, create: 0, delete: 0, started: {}, sample: [] };

/** What writes and tasks come to. */
export function reportOf(writes: readonly Write[], children: readonly OutboxTask[]): EffectsReport {
  const count = (kind: Write['kind']): number => writes.filter((write) => write.kind === kind).length;
  const started: Record<string, number> = {};
  for (const { worker } of children) started[worker] = (started[worker] ?? 0) + 1;
  const sample = writes.slice(0, longestSample).map(({ kind, ref }) => ({ kind, path: ref.path }));
  return {
    set: count('set'),
    update: count('update'),
    create: count('create'),
    delete: count('delete'),
    started,
    sample,
  };
}

/** Several reports as one. */
export function sumOf(reports: readonly (EffectsReport | undefined)[]): EffectsReport {
  return reports.filter((report) => report !== undefined).reduce(add, nothing);
}

function add(one: EffectsReport, other: EffectsReport): EffectsReport {
  const started = { ...one.started };
  for (const [name, count] of Object.entries(other.started)) started[name] = (started[name] ?? 0) + count;
  return {
    set: one.set + other.set,
    update: one.update + other.update,
    create: one.create + other.create,
    delete: one.delete + other.delete,
    started,
    sample: [...one.sample, ...other.sample].slice(0, longestSample),
  };
}

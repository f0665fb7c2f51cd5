import type { protos } from '@google-cloud/tasks';
import type { QueueStats } from '../../engine/queues.ts';
import { camelCase } from '../schema.ts';
import type { Plain } from '../schema.ts';
import { instantToProto } from './time.ts';

type FieldMask = protos.google.protobuf.IFieldMask;

/**
 * The queue as a read mask asks for it: the fields that it names (a deeper path gives the whole field), all without one. Statistics
 * are there only if they are named.
 */
export function readMasked(queue: Plain, mask: FieldMask | null | undefined, stats: () => QueueStats): Plain {
  const fields = new Set((mask?.paths ?? []).map((path) => camelCase(path.split('.')[0] ?? '')));
  if (fields.size === 0) return queue;
  const kept = fields.has('*')
    ? queue
    : Object.fromEntries(Object.entries(queue).filter(([name]) => fields.has(name)));
  return fields.has('stats') ? { ...kept, stats: statsToProto(stats()) } : kept;
}

function statsToProto(stats: QueueStats): Plain {
  const { taskCount, nextDueAt, responsesLastMinute, attemptsOut, effectiveRate } = stats;
  return {
    tasksCount: taskCount,
    ...(nextDueAt !== undefined && { oldestEstimatedArrivalTime: instantToProto(nextDueAt) }),
    executedLastMinuteCount: responsesLastMinute,
    concurrentDispatchesCount: attemptsOut,
    effectiveExecutionRate: effectiveRate,
  };
}

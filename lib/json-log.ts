import type { Log } from './ports.ts';
import { currentTrace } from './request-trace.ts';
import { projectOf } from './settings.ts';

/**
 * One JSON line an entry, in the shape that Cloud Logging reads from a function's output: what is asked for most often are labels,
 * the entry belongs to the trace of its request, and Error Reporting finds the stack of an error (docs/observability.md).
 */
export const jsonLog: Log = {
  write(severity, message, fields) {
    process.stdout.write(
      `${JSON.stringify({ severity, message, ...fields, ...labelsOf(fields), ...traceOf() })}\n`,
    );
  },
};

/** Small sets of values that people filter by. Labels are texts. */
const labelNames = ['task', 'run', 'shard'] as const;

function labelsOf(fields: Readonly<Record<string, unknown>>): object {
  const labels = labelNames.flatMap((name) => {
    const value = fields[name];
    const isSimple = typeof value === 'string' || typeof value === 'number';
    return isSimple ? [[`pageturner_${name}`, String(value)] as const] : [];
  });
  return labels.length === 0 ? {} : { 'logging.googleapis.com/labels': Object.fromEntries(labels) };
}

function traceOf(): object {
  const trace = currentTrace();
  if (trace === undefined) return {};
  const project = projectOf(process.env);
  return {
    'logging.googleapis.com/trace':
      project === undefined ? trace.traceId : `projects/${project}/traces/${trace.traceId}`,
    'logging.googleapis.com/spanId': trace.spanId,
    'logging.googleapis.com/trace_sampled': trace.isSampled,
  };
}

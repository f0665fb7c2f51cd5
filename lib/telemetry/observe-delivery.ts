import { SpanKind, trace, TraceFlags, type Attributes, type Link } from '@opentelemetry/api';
import type { Delivery } from '../core/delivery.ts';
import type { Clock } from '../ports.ts';
import { parseTraceparent } from '../request-trace.ts';
import { instruments, type Labels } from './instruments.ts';
import { errorType, inSpan, markFailed } from './spans.ts';

/**
 * Names in a task the span that enqueued it. Not `traceparent`: platforms and instrumentations make the receiver a child of that, and a
 * chain of a million pages would become one trace. Each delivery has a trace of its own, which links to that of the delivery before.
 */
const linkHeader = 'Pageturner-Traceparent';

/** The header by which a task that is enqueued now is linked to the span that is active; none without one. */
export function linkToHere(): Readonly<Record<string, string>> {
  const here = trace.getActiveSpan()?.spanContext();
  if (here === undefined || !trace.isSpanContextValid(here)) return {};
  const flags = here.traceFlags.toString(16).padStart(2, '0');
  return { [linkHeader]: `00-${here.traceId}-${here.spanId}-${flags}` };
}

/** The request that brings a delivery. */
interface DeliverySource {
  /** The value of one of its headers. */
  readonly header: (name: string) => string | undefined;
  readonly clock: Clock;
  /** Is told what went wrong within the span, so that what it logs belongs there. */
  readonly failed: (error: unknown) => void;
}

/**
 * Deals with a delivery in a span of kind CONSUMER, under the request's own span, and measures it.
 *
 * @param work deals with it and says how it ended; it throws when the delivery must come again
 * @returns how it ended; undefined when it failed
 */
export async function observeDelivery(
  { task, queue }: Labels,
  delivery: Delivery,
  { header, clock, failed }: DeliverySource,
  work: () => Promise<string>,
): Promise<string | undefined> {
  const startedAt = clock.now();
  const ended = (how: Attributes): void =>
    instruments().deliverySeconds.record((clock.now() - startedAt) / 1000, {
      task,
      queue,
      kind: delivery.kind,
      ...how,
    });
  const attributes = attributesOf({ task, queue }, delivery, header);
  const options = { kind: SpanKind.CONSUMER, attributes, links: linksOf(header) };
  return await inSpan(`${delivery.kind} ${task}`, options, async (span) => {
    try {
      const outcome = await work();
      span.setAttribute('pageturner.outcome', outcome);
      ended({ outcome });
      return outcome;
    } catch (error) {
      span.setAttribute('pageturner.outcome', 'again');
      markFailed(span, error);
      ended({ outcome: 'again', 'error.type': errorType(error) });
      failed(error);
      return undefined;
    }
  });
}

/** Of a delivery, where it belongs; parameters never. */
const places = ['run', 'shard', 'turn', 'epoch'] as const;

/** The names of OpenTelemetry's conventions for messaging, where they have one. */
function attributesOf(
  { task, queue }: Labels,
  delivery: Delivery,
  header: (name: string) => string | undefined,
): Attributes {
  const messageId = header('X-CloudTasks-TaskName');
  const retries = Number(header('X-CloudTasks-TaskRetryCount') ?? Number.NaN);
  return {
    'messaging.system': 'gcp_cloud_tasks',
    'messaging.operation.type': 'process',
    'messaging.operation.name': delivery.kind,
    'messaging.destination.name': queue,
    ...(messageId === undefined ? {} : { 'messaging.message.id': messageId }),
    ...(Number.isInteger(retries) ? { 'pageturner.attempt': retries + 1 } : {}),
    'pageturner.task': task,
    ...Object.fromEntries(
      places.flatMap((place) =>
        place in delivery ? [[`pageturner.${place}`, delivery[place as never]]] : [],
      ),
    ),
  };
}

function linksOf(header: (name: string) => string | undefined): Link[] {
  const from = parseTraceparent(header(linkHeader));
  if (from === undefined) return [];
  const { traceId, spanId, isSampled } = from;
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return [{ context: { traceId, spanId, traceFlags, isRemote: true } }];
}

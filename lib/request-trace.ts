import { AsyncLocalStorage } from 'node:async_hooks';
import { context, createTraceState, trace, TraceFlags, type Context } from '@opentelemetry/api';

/** The trace that a request belongs to, as its caller named it. */
export interface RequestTrace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

const current = new AsyncLocalStorage<RequestTrace | undefined>();

/**
 * The trace and span that this code works in: the active span of OpenTelemetry, where an SDK is registered; else what the request named.
 * Undefined outside requests, and where the caller named none.
 */
export function currentTrace(): RequestTrace | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined || !trace.isSpanContextValid(span)) return current.getStore();
  const { traceId, spanId, traceFlags } = span;
  return { traceId, spanId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 };
}

/**
 * Runs `work` as part of the trace that a request names in `traceparent` (W3C), else in `X-Cloud-Trace-Context` (Google), so that
 * everything that it logs, and every span, can be told to belong to it. A header that is malformed counts as none.
 */
export function withRequestTrace<T>(header: (name: string) => string | undefined, work: () => T): T {
  const named = parseTraceparent(header('traceparent')) ?? parseCloudTrace(header('X-Cloud-Trace-Context'));
  return current.run(named, () => context.with(contextOf(named, header('tracestate')), work));
}

/** The context in which the spans of a request begin. */
function contextOf(named: RequestTrace | undefined, traceState: string | undefined): Context {
  const active = context.active();
  // Where an instrumentation of HTTP is at work, it has made a span for the request already.
  if (named === undefined || trace.getSpan(active) !== undefined) return active;
  const { traceId, spanId, isSampled } = named;
  return trace.setSpanContext(active, {
    traceId,
    spanId,
    traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(traceState === undefined ? {} : { traceState: createTraceState(traceState) }),
  });
}

/** `00-TRACE-SPAN-FLAGS`; later versions may append fields, and are read as far as they are known. */
export function parseTraceparent(value = ''): RequestTrace | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] =
    /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/.exec(value) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  return known({ traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 });
}

/** `TRACE/SPAN;o=OPTIONS`, where the span is a decimal number. */
function parseCloudTrace(value = ''): RequestTrace | undefined {
  const [, traceId, span = '', options] = /^([\da-f]{32})\/(\d{1,20})(?:;o=(\d))?$/i.exec(value) ?? [];
  if (traceId === undefined) return undefined;
  const spanId = BigInt.asUintN(64, BigInt(span)).toString(16).padStart(16, '0');
  return known({ traceId: traceId.toLowerCase(), spanId, isSampled: options === '1' });
}

/** Ids of zeros mean that there is none. */
function known(trace: RequestTrace): RequestTrace | undefined {
  return /^0+$/.test(trace.traceId) || /^0+$/.test(trace.spanId) ? undefined : trace;
}

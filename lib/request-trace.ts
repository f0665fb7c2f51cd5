import { AsyncLocalStorage } from 'node:async_hooks';

/** The trace that a request belongs to, as its caller named it. */
export interface RequestTrace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

const current = new AsyncLocalStorage<RequestTrace | undefined>();

/** The trace of the request that this code works for; undefined outside requests, and where the caller named none. */
export function requestTrace(): RequestTrace | undefined {
  return current.getStore();
}

/**
 * Runs `work` as part of the trace that a request names in `traceparent` (W3C), else in `X-Cloud-Trace-Context` (Google), so that
 * everything that it logs can be told to belong to it. A header that is malformed counts as none.
 */
export function withRequestTrace<T>(header: (name: string) => string | undefined, work: () => T): T {
  const trace = parseTraceparent(header('traceparent')) ?? parseCloudTrace(header('X-Cloud-Trace-Context'));
  return current.run(trace, work);
}

/** `00-TRACE-SPAN-FLAGS`; later versions may append fields, and are read as far as they are known. */
function parseTraceparent(value = ''): RequestTrace | undefined {
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

import type { DispatchRequest } from './dispatch.ts';

/** What a target answered. */
export interface ExchangeResponse {
  readonly httpStatus: number;
  /** Names in lower case. Of a header that came several times, the values are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The first 16 KiB. */
  readonly body: Buffer;
  /** Whether there was more of the body than is kept. */
  readonly isTruncated: boolean;
}

/** One delivery as it went over the wire. */
export interface Exchange {
  readonly method: string;
  /** As the task says, or its queue. */
  readonly url: string;
  /** Where it went in its place, if it was rewritten. */
  readonly calledUrl?: string;
  /** As they were sent, the token included; not those of the transport (`Host`, `Content-Length`). */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Absent if there was none. */
  readonly response?: ExchangeResponse;
  /** Why there is no response, or not all of it. */
  readonly error?: string;
}

/** Told of each exchange when it has ended. */
export type ExchangeListener = (request: DispatchRequest, exchange: Exchange) => void;

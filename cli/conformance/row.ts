import type { ErrorCode, ErrorDetail } from '../../emulator/core/errors.ts';

/**
 * How sure we are that the real service answers so. `recorded`: it was seen to, in recordings or in an issue that quotes it;
 * `documented`: Google says so; `inferred`: our own reading, where neither says enough.
 */
export type Mark = 'recorded' | 'documented' | 'inferred';

/**
 * The state in which a row is tried: queue `q` holds task `t`, due in an hour; queue `gone` was there, and so was task `gone`; queue
 * `just-made` has just been created. In the location `busy` all quotas are used up, and time stands.
 */
export interface ErrorRow {
  readonly rpc: string;
  /** Default `local`. */
  readonly profile?: 'strict';
  /** Absent: over both. */
  readonly only?: 'gRPC';
  /** What the call says beside its message, where that is not what Google's clients say. */
  readonly call?: { readonly hasNoParams?: true; readonly deadlineMs?: number };
  /** Where the error stands. Default: it is the answer. */
  readonly within?: 'operation';
  readonly condition: string;
  readonly request: object;
  readonly code: ErrorCode;
  /** `<TIME>` stands for an instant in US Pacific time. */
  readonly message: string;
  /** All of them; none if absent. */
  readonly details?: readonly ErrorDetail[];
  readonly mark: Mark;
  readonly source: string;
}

export const LOCATION = 'projects/p/locations/us-central1';
/** Where the quotas are used up. */
export const BUSY = 'projects/p/locations/busy';
export const Q: string = `${LOCATION}/queues/q`;
export const NO_QUEUE: string = `${LOCATION}/queues/none`;

const GOLDEN = 'recordings of the service by aertje/cloud-tasks-emulator, June to August 2026';
export const DISCOVERY = 'discovery document v2, revision 20260930';
export const PROTO = 'googleapis protos';

export const QUEUE_MISSING =
  'Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize.';
export const ENTITY_MISSING = 'Requested entity was not found.';
export const url = 'https://a.example/';
export const httpRequest: { readonly url: string } = { url };

export const recorded: Pick<ErrorRow, 'mark' | 'source'> = { mark: 'recorded', source: GOLDEN };

/** The details that the emulator adds to the service's catch-all, whose text names no field. */
export function violation(field: string, description: string): readonly ErrorDetail[] {
  return [{ type: 'google.rpc.BadRequest', value: { fieldViolations: [{ field, description }] } }];
}

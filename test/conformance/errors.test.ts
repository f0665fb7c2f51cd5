import { Client, credentials, Metadata } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import type protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmulator, type Emulator, type Warning } from '../../emulator/index.ts';
import { httpRulesOf } from '../../emulator/server/http-rule.ts';
import {
  decodeMessage,
  encodeMessage,
  fullNameOf,
  rpcType,
  type Plain,
} from '../../emulator/server/schema.ts';
import { errorRows } from '../../cli/conformance/errors.ts';
import { callOverRest, rpcOf, textAt, withoutTimes } from '../../cli/conformance/over-rest.ts';
import { BUSY, LOCATION, type ErrorRow } from '../../cli/conformance/row.ts';

/** An error as a client sees it, in whichever way it came. */
interface Seen {
  readonly code: string;
  readonly message: string;
  readonly details: readonly unknown[];
}

let emulators: { readonly local: Emulator; readonly strict: Emulator };
const warnings: Warning[] = [];

beforeAll(async () => {
  const [local, strict] = await Promise.all([prepared('local'), prepared('strict')]);
  emulators = { local, strict };
});

const started: Emulator[] = [];
afterAll(() => Promise.all(started.map((emulator) => emulator.close())));

/** An emulator in the state that the rows are about. */
async function prepared(profile: 'local' | 'strict'): Promise<Emulator> {
  // Queues of the start count as known for long.
  const queues = [{ name: 'q' }, { name: 'gone' }];
  const emulator = await startEmulator({
    profile,
    project: 'p',
    location: 'us-central1',
    queues,
    onWarning: (warning) => void warnings.push(warning),
  });
  started.push(emulator);
  emulator.clock.freeze();
  const queue = `${LOCATION}/queues/q`;
  const scheduleTime = new Date(Date.now() + 3_600_000).toISOString();
  const send = async (method: string, path: string, body?: unknown): Promise<void> => {
    const response = await fetch(`${emulator.url}/v2/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(await response.text());
  };
  for (const id of ['t', 'gone']) {
    await send('POST', `${queue}/tasks`, {
      task: { name: `${queue}/tasks/${id}`, scheduleTime, httpRequest: { url: 'https://a.example/' } },
    });
  }
  await send('DELETE', `${queue}/tasks/gone`);
  await send('DELETE', `${LOCATION}/queues/gone`);
  await send('POST', `${LOCATION}/queues`, { name: `${LOCATION}/queues/just-made` });
  await useUpQuotas(emulator.url);
  return emulator;
}

/** Whatever is answered: runs of tasks that are not there count too. */
async function useUpQuotas(url: string): Promise<void> {
  const call = async (path: string, body?: object): Promise<void> => {
    const method = body === undefined ? 'GET' : 'POST';
    await (await fetch(`${url}/v2/${path}`, { method, ...(body && { body: JSON.stringify(body) }) })).text();
  };
  for (let n = 0; n < 1000; n += 1) await call(`${BUSY}/queues`, { name: `${BUSY}/queues/q${n}` });
  for (let n = 0; n < 600; n += 1) await call(`${BUSY}/queues/q0/tasks`);
  for (let n = 0; n < 60; n += 1) await call(`${BUSY}/queues/q0/tasks/t:run`, {});
}

const emulatorFor = ({ profile }: ErrorRow): Emulator => emulators[profile ?? 'local'];

const bytes = (value: Buffer): Buffer => value;

async function overGrpc(row: ErrorRow): Promise<Seen> {
  const rpc = rpcOf(row);
  const service = rpc.parent as protobuf.Service;
  const client = new Client(`127.0.0.1:${emulatorFor(row).port}`, credentials.createInsecure());
  const { hasNoParams = false, deadlineMs = 20_000 } = row.call ?? {};
  const metadata = new Metadata();
  // As Google's clients do, and as the service wants it.
  if (!hasNoParams) metadata.set('x-goog-request-params', paramsOf(rpc, row.request as Plain));
  const { error, answer } = await new Promise<{ error: ServiceError | null; answer?: Buffer }>((resolve) => {
    client.makeUnaryRequest(
      `/${fullNameOf(service)}/${rpc.name}`,
      bytes,
      bytes,
      encodeMessage(rpc.resolvedRequestType as protobuf.Type, row.request as Plain),
      metadata,
      { deadline: Date.now() + deadlineMs },
      (failure, value) => resolve({ error: failure, ...(value !== undefined && { answer: value }) }),
    );
  });
  client.close();
  if (row.within === 'operation') {
    const operation = decodeMessage(rpc.resolvedResponseType as protobuf.Type, answer!);
    return seenIn(operation['error'] as Plain);
  }
  const trailer = error?.metadata.get('grpc-status-details-bin')[0];
  const status = trailer === undefined ? {} : decodeMessage(rpcType('google.rpc.Status'), trailer as Buffer);
  return seenIn({ ...status, code: error?.code ?? 0, message: error?.details ?? '' });
}

function paramsOf(rpc: protobuf.Method, request: Plain): string {
  const [, field = ''] = /\{([^}=]+)/.exec(httpRulesOf(rpc)[0]?.template ?? '') ?? [];
  return new URLSearchParams({ [field]: textAt(request, field) }).toString();
}

/** A `google.rpc.Status` as it stands in a message. */
function seenIn(status: Plain): Seen {
  const details = (status['details'] as { type_url: string; value: Buffer }[] | undefined) ?? [];
  return {
    code: codeName(Number(status['code'])),
    message: String(status['message']),
    details: details.map(({ type_url: url, value }) => {
      const type = url.slice(url.lastIndexOf('/') + 1);
      return { '@type': url, ...decodeMessage(rpcType(type), value) };
    }),
  };
}

function codeName(code: number): string {
  return (
    {
      3: 'INVALID_ARGUMENT',
      5: 'NOT_FOUND',
      6: 'ALREADY_EXISTS',
      7: 'PERMISSION_DENIED',
      9: 'FAILED_PRECONDITION',
      8: 'RESOURCE_EXHAUSTED',
      10: 'ABORTED',
    }[code] ?? String(code)
  );
}

async function overRest(row: ErrorRow): Promise<Seen> {
  const { body } = await callOverRest(row, emulatorFor(row).url);
  const { error } = body as { error: Plain };
  if (row.within === 'operation') return seenIn(error);
  return {
    code: String(error['status']),
    message: String(error['message']),
    details: (error['details'] as unknown[] | undefined) ?? [],
  };
}

describe.each([
  ['gRPC', overGrpc],
  ['REST', overRest],
] as const)('over %s', (transport, call) => {
  const rows = errorRows.filter(({ only = transport }) => only === transport);
  test.each(rows.map((row) => [row.rpc, row.condition, row] as const))('%s, %s', async (_, __, row) => {
    const seen = await call(row);
    const message = row.message.includes('<TIME>') ? withoutTimes(seen.message) : seen.message;
    const details = (row.details ?? []).map(({ type, value }) => ({
      '@type': `type.googleapis.com/${type}`,
      ...value,
    }));
    expect({ ...seen, message }).toEqual({ code: row.code, message: row.message, details });
  });
});

test('what strict refuses, local lets through, and warns of with the same code and text', async () => {
  for (const { profile, ...row } of errorRows) {
    if (profile !== 'strict') continue;
    await overGrpc(row);
    const text = `refuse this with ${row.code}: ${row.message}`;
    expect(warnings.map(({ message }) => withoutTimes(message))).toContainEqual(
      expect.stringContaining(text),
    );
  }
});

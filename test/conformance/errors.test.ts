import { makeClientConstructor, credentials, Metadata } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import type protobuf from 'protobufjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmulator, type Emulator } from '../../emulator/index.ts';
import { httpRulesOf } from '../../emulator/server/http-rule.ts';
import { messageToJson } from '../../emulator/server/json-encode.ts';
import {
  cloudTasksV2Beta3Service,
  cloudTasksV2Service,
  decodeMessage,
  encodeMessage,
  fullNameOf,
  rpcType,
  type Plain,
} from '../../emulator/server/schema.ts';
import { errorRows, LOCATION, type ErrorRow } from './errors.ts';

/** An error as a client sees it, in whichever way it came. */
interface Seen {
  readonly code: string;
  readonly message: string;
  readonly details: readonly unknown[];
}

let emulator: Emulator;

beforeAll(async () => {
  emulator = await startEmulator();
  const queue = `${LOCATION}/queues/q`;
  const scheduleTime = new Date(Date.now() + 3_600_000).toISOString();
  const create = (id: string) =>
    send('POST', `${queue}/tasks`, {
      task: { name: `${queue}/tasks/${id}`, scheduleTime, httpRequest: { url: 'https://a.example/' } },
    });
  await send('POST', `${LOCATION}/queues`, { name: queue });
  for (const id of ['t', 'gone']) await create(id);
  await send('DELETE', `${queue}/tasks/gone`);
});

afterAll(() => emulator.close());

async function send(method: string, path: string, body?: unknown, version = 'v2'): Promise<unknown> {
  const response = await fetch(`${emulator.url}/${version}/${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return await response.json();
}

function rpcOf({ rpc }: ErrorRow): protobuf.Method {
  const [name = '', version] = rpc.split(' ').toReversed();
  const service = version === 'v2beta3' ? cloudTasksV2Beta3Service : cloudTasksV2Service;
  const method = service.methods[name];
  if (method === undefined) throw new Error(`There is no ${rpc}.`);
  return method;
}

async function overGrpc(row: ErrorRow): Promise<Seen> {
  const rpc = rpcOf(row);
  const service = rpc.parent as protobuf.Service;
  const requestType = rpc.resolvedRequestType as protobuf.Type;
  const bytes = (value: Buffer): Buffer => value;
  const Client = makeClientConstructor(
    {
      call: {
        path: `/${fullNameOf(service)}/${rpc.name}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    },
    rpc.name,
  );
  const client = new Client(`127.0.0.1:${emulator.port}`, credentials.createInsecure());
  const error = await new Promise<ServiceError | null>((resolve) => {
    const request = encodeMessage(requestType, row.request as Plain);
    (client['call'] as (...args: unknown[]) => void)(
      request,
      new Metadata(),
      (failure: ServiceError | null) => resolve(failure),
    );
  });
  client.close();
  const trailer = error?.metadata.get('grpc-status-details-bin')[0];
  const status = trailer === undefined ? {} : decodeMessage(rpcType('google.rpc.Status'), trailer as Buffer);
  const details = (status['details'] as { type_url: string; value: Buffer }[] | undefined) ?? [];
  return {
    code: codeName(error?.code ?? 0),
    message: error?.details ?? '',
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
      10: 'ABORTED',
    }[code] ?? String(code)
  );
}

async function overRest(row: ErrorRow): Promise<Seen> {
  const rpc = rpcOf(row);
  const [rule] = httpRulesOf(rpc);
  const json = messageToJson(rpc.resolvedRequestType as protobuf.Type, row.request as Plain, {
    enumsAsNumbers: false,
  }) as Record<string, unknown>;
  const path = rule?.template.replace(/\{([^=}]+)=[^}]*\}/, (_, field: string) =>
    String(json[field]).split('/').map(encodeURIComponent).join('/'),
  );
  const body = rule?.body === undefined ? undefined : rule.body === '*' ? json : json[rule.body];
  const response = await fetch(`${emulator.url}${path}`, {
    method: rule?.method ?? 'GET',
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const { error } = (await response.json()) as {
    error: { status: string; message: string; details?: unknown[] };
  };
  return { code: error.status, message: error.message, details: error.details ?? [] };
}

describe.each([
  ['gRPC', overGrpc],
  ['REST', overRest],
] as const)('over %s', (transport, call) => {
  // Over REST a name that is malformed is no path of this method.
  const rows = errorRows.filter(
    ({ rpc, condition }) =>
      transport === 'gRPC' || !(rpc === 'GetQueue' && condition === 'the name is malformed'),
  );
  test.each(rows.map((row) => [row.rpc, row.condition, row] as const))('%s, %s', async (_, __, row) => {
    const seen = await call(row);
    expect(seen).toMatchObject({ code: row.code, message: row.message });
    if (row.details !== undefined) {
      // The table need not name every detail.
      const expected = row.details.map(({ type, value }) => ({
        '@type': `type.googleapis.com/${type}`,
        ...value,
      }));
      expect(seen.details.slice(0, expected.length)).toMatchObject(expected);
    }
  });
});

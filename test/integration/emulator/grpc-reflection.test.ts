import { create, createFileRegistry, fromBinary, getOption } from '@bufbuild/protobuf';
import type { FileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { Client, credentials } from '@grpc/grpc-js';
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { once } from 'node:events';
import protobuf from 'protobufjs';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';

// What matters here of grpc/reflection/v1/reflection.proto, written down once more: the emulator's own text is what is tested.
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request {
    string host = 1;
    oneof asked {
      string file = 3;
      string symbol = 4;
      Extension extension = 5;
      string numbersOf = 6;
      string services = 7;
    }
  }
  message Extension { string type = 1; int32 number = 2; }
  message Reply {
    string host = 1;
    Request request = 2;
    Files files = 4;
    Numbers numbers = 5;
    Services services = 6;
    Fault fault = 7;
  }
  message Files { repeated bytes file = 1; }
  message Numbers { string type = 1; repeated int32 number = 2; }
  message Services { repeated Service service = 1; }
  message Service { string name = 1; }
  message Fault { int32 code = 1; string message = 2; }
`);
const requestType = root.lookupType('Request');
const replyType = root.lookupType('Reply');

interface Reply {
  readonly request: object;
  readonly files?: { readonly file: readonly Uint8Array[] };
  readonly numbers?: { readonly type: string; readonly number: readonly number[] };
  readonly services?: { readonly service: readonly { readonly name: string }[] };
  readonly fault?: { readonly code: number; readonly message: string };
}

const bytes = (value: Buffer): Buffer => value;

function encode(request: object): Buffer {
  return Buffer.from(requestType.encode(requestType.fromObject(request)).finish());
}

async function openStream(
  version = 'v1',
): Promise<{ emulator: Emulator; stream: ClientDuplexStream<Buffer, Buffer> }> {
  const emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  const client = new Client(`127.0.0.1:${emulator.port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const stream = client.makeBidiStreamRequest(path, bytes, bytes);
  // Whoever expects an error says so; a test that has ended does not care.
  stream.on('error', () => {});
  onTestFinished(() => void stream.end());
  return { emulator, stream };
}

async function reflection(version = 'v1'): Promise<(request: object) => Promise<Reply>> {
  const { stream } = await openStream(version);
  return async (request) => {
    stream.write(encode(request));
    const [answer] = (await once(stream, 'data')) as [Buffer];
    return replyType.toObject(replyType.decode(answer), { longs: Number }) as Reply;
  };
}

function descriptorsIn({ files }: Reply): FileDescriptorProto[] {
  return files!.file.map((file) => fromBinary(FileDescriptorProtoSchema, file));
}

/** Reads the files as a strict client does: it refuses an import, a type or an extended message that it cannot find. */
function strictly(files: readonly FileDescriptorProto[]): FileRegistry {
  const byName = new Map(files.map((file) => [file.name, file]));
  // Imports go first; one that is missing is left for the reader to find.
  const file: FileDescriptorProto[] = [];
  const add = (each: FileDescriptorProto | undefined): void => {
    if (each === undefined || file.includes(each)) return;
    for (const name of each.dependency) add(byName.get(name));
    file.push(each);
  };
  for (const each of files) add(each);
  return createFileRegistry(create(FileDescriptorSetSchema, { file }));
}

const SERVICES = [
  'google.cloud.tasks.v2.CloudTasks',
  'google.cloud.tasks.v2beta3.CloudTasks',
  'google.cloud.tasks.v2beta2.CloudTasks',
  'google.cloud.location.Locations',
  'google.longrunning.Operations',
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];

test.each(['v1', 'v1alpha'])(
  'reflection %s lists each service and describes it so that a strict client can read it',
  async (version) => {
    const ask = await reflection(version);
    expect((await ask({ services: '*' })).services!.service.map(({ name }) => name)).toEqual(SERVICES);
    const files: FileDescriptorProto[] = [];
    // Each is sent once on a stream.
    for (const symbol of SERVICES) {
      const sent = descriptorsIn(await ask({ symbol }));
      files.push(...sent.filter(({ name }) => files.every((file) => file.name !== name)));
    }
    const registry = strictly(files);
    for (const name of SERVICES) expect(registry.getService(name)?.methods).not.toEqual([]);
  },
);

test('what is described is what protoc describes: files, syntax, full names, options', async () => {
  const ask = await reflection();
  const files = descriptorsIn(await ask({ symbol: 'google.cloud.tasks.v2beta3.CloudTasks.CreateTask' }));
  expect(files[0]?.name).toBe('google/cloud/tasks/v2beta3/cloudtasks.proto');
  const registry = strictly(files);
  expect(registry.getFile('google/cloud/tasks/v2beta3/cloudtasks.proto')?.proto.syntax).toBe('proto3');
  expect(registry.getFile('google/protobuf/descriptor.proto')?.edition).toBe(998);
  expect(registry.getFile('google/cloud/tasks/v2beta3/queue.proto')?.proto.options).toMatchObject({
    javaPackage: 'com.google.cloud.tasks.v2beta3',
    javaMultipleFiles: true,
  });
  const http = registry.getExtension('google.api.http')!;
  const { createTask } = registry.getService('google.cloud.tasks.v2beta3.CloudTasks')!.method;
  expect(getOption(createTask!, http)).toMatchObject({
    body: '*',
    pattern: { case: 'post', value: '/v2beta3/{parent=projects/*/locations/*/queues/*}/tasks' },
  });
  const behavior = registry.getExtension('google.api.field_behavior')!;
  const [REQUIRED, OUTPUT_ONLY] = [2, 3];
  expect(getOption(createTask!.input.field['parent']!, behavior)).toEqual([REQUIRED]);
  const queue = registry.getMessage('google.cloud.tasks.v2beta3.Queue')!;
  expect(getOption(queue.field['stats']!, behavior)).toEqual([OUTPUT_ONLY]);
  expect(registry.getMessage('google.cloud.tasks.v2beta3.HttpRequest')?.field['headers']).toMatchObject({
    fieldKind: 'map',
    jsonName: 'headers',
  });
});

test('a file comes with what it needs, and what the client has is not sent again', async () => {
  const ask = await reflection();
  const names = async (request: object): Promise<(string | undefined)[]> =>
    descriptorsIn(await ask(request)).map(({ name }) => name);
  expect(await names({ file: 'google/rpc/status.proto' })).toEqual([
    'google/rpc/status.proto',
    'google/protobuf/any.proto',
  ]);
  expect(await names({ symbol: '.google.rpc.Status.code' })).toEqual(['google/rpc/status.proto']);
  const later = await names({ symbol: 'google.cloud.tasks.v2.Attempt' });
  expect(later).toContain('google/cloud/tasks/v2/target.proto');
  expect(later).not.toContain('google/rpc/status.proto');
});

test('extensions are found by the message that they extend', async () => {
  const ask = await reflection();
  const type = 'google.protobuf.MethodOptions';
  const HTTP = 72_295_728;
  const { numbers } = await ask({ numbersOf: type });
  expect(numbers).toEqual({ type, number: [1049, 1051, HTTP] });
  const [file] = descriptorsIn(await ask({ extension: { type, number: HTTP } }));
  expect(file).toMatchObject({ name: 'google/api/annotations.proto', extension: [{ extendee: `.${type}` }] });
  expect((await ask({ numbersOf: 'google.rpc.Status' })).numbers).toEqual({ type: 'google.rpc.Status' });
});

test('what it does not know is answered with NOT_FOUND, and it goes on', async () => {
  const ask = await reflection();
  for (const request of [
    { symbol: 'no.such.Symbol' },
    { file: 'no_such.proto' },
    { numbersOf: 'no.such.Type' },
    { extension: { type: 'google.protobuf.MethodOptions', number: 1 } },
  ]) {
    expect(await ask(request)).toMatchObject({ request, fault: { code: 5 } });
  }
  expect(await ask({ host: 'h' })).toMatchObject({ host: 'h', fault: { code: 3 } });
  expect((await ask({ symbol: 'google.cloud.tasks.v2.Task' })).files?.file).not.toEqual([]);
});

test('a request that is none ends the stream with INVALID_ARGUMENT', async () => {
  const { stream } = await openStream();
  stream.resume();
  stream.write(Buffer.from([0xff]));
  const [error] = (await once(stream, 'error')) as [ServiceError];
  expect(error).toMatchObject({
    code: 3,
    details: expect.stringContaining('grpc.reflection.v1.ServerReflectionRequest'),
  });
});

test('a client that ends its requests gets the answers to all of them, and then the end', async () => {
  const { stream } = await openStream();
  const count = 500;
  for (let nth = 0; nth < count; nth++) stream.write(encode({ services: String(nth) }));
  stream.end();
  const asked: unknown[] = [];
  for await (const answer of stream as AsyncIterable<Buffer>) {
    const { request } = replyType.toObject(replyType.decode(answer)) as Reply;
    asked.push((request as { services: string }).services);
  }
  expect(asked).toEqual(Array.from({ length: count }, (_, nth) => String(nth)));
});

test('the emulator closes though streams are open, also those that nobody reads from', async () => {
  const { emulator, stream } = await openStream();
  const ended = once(stream, 'error');
  stream.write(encode({ services: '' }));
  await once(stream, 'data');
  const silent = new Client(`127.0.0.1:${emulator.port}`, credentials.createInsecure());
  onTestFinished(() => silent.close());
  const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
  const unread = silent.makeBidiStreamRequest(path, bytes, bytes);
  unread.on('error', () => {});
  for (let nth = 0; nth < 5000; nth++) unread.write(encode({ services: 'x'.repeat(1000) }));
  await once(unread, 'metadata');
  await emulator.close();
  expect(await ended).toMatchObject([{ code: 14, details: 'The emulator is closing.' }]);
});

import { credentials, makeClientConstructor } from '@grpc/grpc-js';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import type { IFileDescriptorProto } from 'protobufjs/ext/descriptor/index.js';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';

const FILE_BY_NAME = 3;
const FILE_OF_SYMBOL = 4;
const LIST_SERVICES = 7;

// The answer's fields that matter here; the request's are one string each.
const Answer = protobuf
  .parse(
    `syntax = "proto3";
     message Files { repeated bytes file = 1; }
     message Service { string name = 1; }
     message Services { repeated Service service = 1; }
     message Fault { int32 code = 1; }
     message Answer { Files files = 4; Services services = 6; Fault fault = 7; }`,
  )
  .root.lookupType('Answer');

/** What `protobufjs/ext/descriptor` adds to `Root`, and its types leave out. */
interface FromDescriptor {
  fromDescriptor(set: { file: IFileDescriptorProto[] }): protobuf.Root;
}

interface Reply {
  files?: { file: Uint8Array[] };
  services?: { service: { name: string }[] };
  fault?: { code: number };
}

async function openStream(version: string): Promise<ClientDuplexStream<Buffer, Buffer>> {
  const emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  const bytes = (value: Buffer): Buffer => value;
  const Client = makeClientConstructor(
    {
      info: {
        path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        requestStream: true,
        responseStream: true,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    },
    'ServerReflection',
  );
  const client = new Client(`127.0.0.1:${emulator.port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  const stream = (client['info'] as unknown as () => ClientDuplexStream<Buffer, Buffer>).call(client);
  onTestFinished(() => void stream.end());
  return stream;
}

async function reflection(version: string): Promise<(field: number, text: string) => Promise<Reply>> {
  const stream = await openStream(version);
  let fail: (error: Error) => void = () => {};
  stream.on('error', (error: Error) => fail(error));
  return (field, text) =>
    new Promise((resolve, reject) => {
      fail = reject;
      stream.once('data', (answer: Buffer) => resolve(Answer.toObject(Answer.decode(answer)) as Reply));
      stream.write(Buffer.from([(field << 3) | 2, Buffer.byteLength(text), ...Buffer.from(text)]));
    });
}

test.each(['v1', 'v1alpha'])(
  'gRPC reflection %s lists each service and describes it whole',
  async (version) => {
    const ask = await reflection(version);
    const services = (await ask(LIST_SERVICES, '')).services!.service.map(({ name }) => name);
    expect(services).toEqual([
      'google.cloud.tasks.v2.CloudTasks',
      'google.cloud.tasks.v2beta3.CloudTasks',
      'google.cloud.tasks.v2beta2.CloudTasks',
      'google.cloud.location.Locations',
      'google.longrunning.Operations',
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
    ]);
    const files = new Map<string, IFileDescriptorProto>();
    const add = async (reply: Reply): Promise<void> => {
      for (const bytes of reply.files!.file) {
        const file = descriptor.FileDescriptorProto.decode(bytes) as IFileDescriptorProto;
        if (files.has(file.name!)) continue;
        files.set(file.name!, file);
        for (const name of file.dependency ?? []) await add(await ask(FILE_BY_NAME, name));
      }
    };
    for (const service of services) await add(await ask(FILE_OF_SYMBOL, service));
    const root = (protobuf.Root as unknown as FromDescriptor)
      .fromDescriptor({ file: [...files.values()] })
      .resolveAll();
    for (const service of services) expect(root.lookupService(service).methodsArray).not.toEqual([]);
  },
);

test('gRPC reflection answers a name that it does not know with NOT_FOUND, and goes on', async () => {
  const ask = await reflection('v1');
  expect((await ask(FILE_OF_SYMBOL, 'no.such.Symbol')).fault).toEqual({ code: 5 });
  expect((await ask(FILE_BY_NAME, 'no_such.proto')).fault).toEqual({ code: 5 });
  expect((await ask(FILE_OF_SYMBOL, 'google.cloud.tasks.v2.Task')).files!.file).toHaveLength(1);
});

test('a request that is none ends the stream with INVALID_ARGUMENT', async () => {
  const stream = await openStream('v1');
  const ended = new Promise<{ code?: number }>((resolve) => {
    stream.on('error', resolve);
  });
  stream.resume();
  stream.write(Buffer.from([0xff]));
  expect(await ended).toMatchObject({ code: 3 });
});

import { Client, credentials, status as codes, type ServiceError } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { emulatorForTests } from '../../../emulator/vitest.ts';
import { restCallOf, rpcs } from '../fuzz/protos.ts';

const emulator = await emulatorForTests();
const all = rpcs.map(({ service, rpc }) => [`${service}/${rpc.name}`, rpc] as const);

test('the installed protos have the RPCs of three versions', () => {
  expect(all.length).toBeGreaterThan(50);
});

test.each(all)('%s is there over gRPC, and over REST where its annotation says', async (name, rpc) => {
  const client = new Client(`127.0.0.1:${emulator.port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  const pass = (bytes: Buffer): Buffer => bytes;
  const error = await new Promise<ServiceError | null>((resolve) => {
    client.makeUnaryRequest(`/${name}`, pass, pass, Buffer.alloc(0), (answer: ServiceError | null) =>
      resolve(answer),
    );
  });
  expect(error?.code).not.toBe(codes.UNIMPLEMENTED);

  const { method, path } = restCallOf(rpc);
  // UploadQueueYaml has no annotation; where it is over HTTP is tried with its own tests.
  if (path === '/') return;
  const response = await fetch(emulator.url + path, { method, body: method === 'GET' ? null : '{}' });
  const { error: { status = 'OK', message = '' } = {} } = (await response.json()) as {
    error?: { status: string; message: string };
  };
  expect(status).not.toBe('UNIMPLEMENTED');
  expect(message).not.toContain('No method is served');
});

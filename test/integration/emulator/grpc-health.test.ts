import { credentials, makeClientConstructor } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';

test('a health check over gRPC says that the emulator and each of its services serve, and knows no others', async () => {
  const emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  const bytes = (value: Buffer): Buffer => value;
  const Client = makeClientConstructor(
    {
      check: {
        path: '/grpc.health.v1.Health/Check',
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    },
    'Health',
  );
  const client = new Client(`127.0.0.1:${emulator.port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  // A request holds the service's name as field 1, an answer the status as field 1.
  const check = (service: string): Promise<number[] | number> =>
    new Promise((resolve) => {
      const name = Buffer.from(service);
      const request = name.length === 0 ? name : Buffer.from([0x0a, name.length, ...name]);
      (client['check'] as (...args: unknown[]) => void)(
        request,
        (error: { code: number } | null, answer: Buffer) => resolve(error?.code ?? [...answer]),
      );
    });
  const SERVING = [0x08, 1];
  expect(await check('')).toEqual(SERVING);
  expect(await check('google.cloud.tasks.v2.CloudTasks')).toEqual(SERVING);
  expect(await check('google.cloud.tasks.v2beta2.CloudTasks')).toEqual(SERVING);
  expect(await check('no.such.Service')).toBe(5);
});

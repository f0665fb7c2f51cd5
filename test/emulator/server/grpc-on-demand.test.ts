import { CloudTasksClient } from '@google-cloud/tasks';
import { credentials } from '@grpc/grpc-js';
import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';

const name = 'projects/demo-pageturner/locations/us-central1/queues/mail';

test('clients that connect at the same time, before gRPC is loaded, are all answered', async () => {
  const emulator = await startEmulator({ queues: [{ name: 'mail' }] });
  onTestFinished(() => emulator.close());
  const clients = Array.from({ length: 3 }, () => {
    const options = { apiEndpoint: '127.0.0.1', port: emulator.port, sslCreds: credentials.createInsecure() };
    const client = new CloudTasksClient(options);
    onTestFinished(() => client.close());
    return client;
  });
  const answers = await Promise.all(clients.map((client) => client.getQueue({ name })));
  expect(answers.map(([queue]) => queue.name)).toEqual([name, name, name]);
});

test('a client that connects as the emulator closes is cut off, and the emulator ends', async () => {
  const emulator = await startEmulator();
  const socket = connect(emulator.port, '127.0.0.1');
  // It may see the end as a reset.
  socket.on('error', () => {});
  const closed = new Promise((resolve) => {
    socket.once('close', resolve);
  });
  await once(socket, 'connect');
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  await emulator.close();
  await closed;
});

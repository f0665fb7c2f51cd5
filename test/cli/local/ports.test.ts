import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../../cli/local/ports.ts';

const use = { service: 'the functions', setting: 'ports.functions in emulator.config.json' };

test('any free port is one that no connection is given by itself', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, () => freePort({ ...use, port: 0 })));
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(32_000);
  }
});

test('a port that is taken is named, with who wants it and where to change it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await expect(freePort({ ...use, port })).rejects.toMatchObject({
    code: 'port-in-use',
    message: `Port ${port}, wanted by the functions, is occupied.`,
    nextStep: expect.stringContaining('set another ports.functions in emulator.config.json'),
  });
});

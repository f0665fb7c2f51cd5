import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import { dataFile as newDataFile, withDisk } from '../../emulator/store/unwritable.ts';
import { serve } from '../../emulator/web-server.ts';
import { callRest } from './call-rest.ts';

const queue = 'projects/demo-pageturner/locations/us-central1/queues/mail';

test('an emulator whose disk is full refuses new tasks with the file and the mend, and goes on when there is room', async () => {
  const dataFile = newDataFile();
  const target = await serve();
  const told: string[] = [];
  const { opened: emulator, disk } = await withDisk(() =>
    startEmulator({
      dataFile,
      queues: [{ name: 'mail' }],
      clock: 'virtual',
      onDataFileTrouble: (message) => told.push(message),
    }),
  );
  onTestFinished(() => emulator.close());
  const create = (id: string, size: number): ReturnType<typeof callRest> =>
    callRest(emulator, 'POST', `/v2/${queue}/tasks`, {
      task: {
        name: `${queue}/tasks/${id}`,
        scheduleTime: '2026-01-01T00:00:10Z',
        httpRequest: { url: target.url, body: Buffer.alloc(size).toString('base64') },
      },
    });

  expect((await create('kept', 10)).status).toBe(200);
  disk.fill();
  expect(await create('big', 100_000)).toEqual({
    status: 503,
    body: {
      error: {
        code: 503,
        status: 'UNAVAILABLE',
        message: expect.stringMatching(
          new RegExp(
            `^${dataFile} cannot be written: database or disk is full\\. .* Make room on its disk\\.`,
          ),
        ),
      },
    },
  });
  disk.lock();
  await emulator.clock.advance(20_000);
  expect(target.requests).toEqual([]);
  expect(told).toEqual([expect.stringContaining(`${dataFile} cannot be written`)]);

  disk.free();
  expect((await create('big', 100_000)).status).toBe(200);
  await emulator.idle();
  expect(new Set(target.requests.map(({ headers }) => headers['X-CloudTasks-TaskName']))).toEqual(
    new Set(['kept', 'big']),
  );
  expect(target.requests).toHaveLength(2);
  expect(told).toHaveLength(2);
});

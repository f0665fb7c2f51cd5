import { afterAll, afterEach } from 'vitest';
import { startEmulator } from './compose.ts';
import type { Emulator, EmulatorOptions } from './emulator.ts';

/**
 * Starts an emulator for the test file that calls it at its top level. It is reset after each test and closed after the last; when a
 * test fails, its seed is printed.
 *
 * @example
 * const emulator = await emulatorForTests({ queues: [{ name: 'mail' }], clock: 'virtual' });
 *
 * test('a mail is sent', async () => {
 *   await orderMail({ emulatorPort: emulator.port });
 *   const [delivery] = await emulator.waitForDeliveries({ queue: 'mail' }, 1);
 *   expect(delivery?.response?.httpStatus).toBe(200);
 * });
 */
export async function emulatorForTests(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator(options);
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(`The emulator's seed was ${emulator.seed}.`);
    await emulator.reset();
  });
  afterAll(() => emulator.close());
  return emulator;
}

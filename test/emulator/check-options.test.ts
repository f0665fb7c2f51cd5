import { expect, test } from 'vitest';
import { checkNode, checkOptions } from '../../emulator/check-options.ts';
import { startEmulator } from '../../emulator/index.ts';

test.each<[object, string]>([
  [{ port: 'x' }, 'port is "x": write a whole number from 0 to 65535.'],
  [{ port: 65_536 }, 'port is 65536: write a whole number from 0 to 65535.'],
  [{ host: '' }, 'host is "": write a host name or an address, such as 127.0.0.1.'],
  [{ queue: [] }, 'startEmulator has no option queue. It has host, port, '],
  [{ queues: 'mail' }, 'queues is "mail": write a list of queues, such as [{ name: "mail" }].'],
  [{ queues: [{}] }, 'queues is [{}]: write a list of queues'],
  [{ clock: 'real' }, 'clock is "real": write "system" or "virtual".'],
  [{ profile: 'prod' }, 'profile is "prod": write "local" or "strict".'],
  [{ project: '' }, 'project is "": write a project id, such as demo-project.'],
  [{ seed: 1.5 }, 'seed is 1.5: write a whole number.'],
  [{ dataFile: '' }, 'dataFile is "": write the name of a file.'],
  [{ settings: { hasSlowStart: 'yes' } }, 'settings.hasSlowStart is "yes": write true or false.'],
  [
    { settings: { slowStart: true } },
    'startEmulator has no option settings.slowStart. It has taskNameReuseAfterMs,',
  ],
  [{ onWarning: 'print' }, 'onWarning is "print": write a function.'],
])('%j cannot be meant, and is refused with the option and what to write', (options, text) => {
  expect(() => checkOptions(options)).toThrow(text);
});

test('what is left undefined is as if it were not there', () => {
  expect(() => checkOptions({ publicUrl: undefined, dataFile: undefined })).not.toThrow();
});

test('options that are none are refused', () => {
  const call: (options: unknown) => void = checkOptions as never;
  expect(() => call(null)).toThrow('startEmulator takes an object of options, such as { port: 8123 }.');
  expect(() => call('8123')).toThrow('startEmulator takes an object of options');
});

test('a queue whose id nobody could ask for is refused as the service does', async () => {
  await expect(startEmulator({ queues: [{ name: 'a b' }] })).rejects.toThrow(
    'Queue ID "a b" can contain only letters',
  );
});

test('an older Node is told which one is needed', () => {
  expect(() => checkNode('22.20.0')).toThrow(
    'The emulator needs Node 24 or newer, and this is Node 22.20.0.',
  );
  expect(() => checkNode('24.0.0')).not.toThrow();
});

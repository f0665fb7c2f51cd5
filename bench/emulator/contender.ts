/**
 * One emulator in a process of its own: `node contender.ts memory`, `node contender.ts durable FILE` or
 * `node contender.ts firebase-tools FOLDER`. It prints its URL when it answers.
 */
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../cli/local/ports.ts';
import { startEmulator } from '../../emulator/index.ts';

const [kind, place = ''] = process.argv.slice(2);

interface FirebaseTasks {
  readonly TasksEmulator: new (address: { host: string; port: number }) => { start(): Promise<void> };
}

if (kind === 'firebase-tools') {
  const port = await freePort({ port: 0, service: 'firebase-tools', setting: 'bench' });
  const load = createRequire(join(place, 'package.json'));
  const { TasksEmulator } = load('firebase-tools/lib/emulator/tasksEmulator.js') as FirebaseTasks;
  await new TasksEmulator({ host: '127.0.0.1', port }).start();
  // It says that it has started when it has only asked for its port.
  while (!(await isListening(port))) await sleep(20);
  console.log(`http://127.0.0.1:${port}`);
} else {
  const { url } = await startEmulator(kind === 'durable' ? { dataFile: place } : {});
  console.log(url);
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

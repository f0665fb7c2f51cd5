/**
 * One emulator in a process of its own: `node contender.ts memory`, `node contender.ts durable FILE` or
 * `node contender.ts firebase-tools FOLDER`. It prints its URL when it answers.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
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
  console.log(`http://127.0.0.1:${port}`);
} else {
  const { url } = await startEmulator(kind === 'durable' ? { dataFile: place } : {});
  console.log(url);
}

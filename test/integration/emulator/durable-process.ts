/** An emulator on a data file, in a process that can be killed. Usage: node durable-process.ts FILE; it prints its URL. */
import { startEmulator } from '../../../emulator/index.ts';

const emulator = await startEmulator({ dataFile: process.argv[2] });
console.log(emulator.url);

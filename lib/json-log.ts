import type { Log } from './ports.ts';

/** One JSON line an entry, in the shape that Cloud Logging reads from a function's output. */
export const jsonLog: Log = {
  write(severity, message, fields) {
    process.stdout.write(`${JSON.stringify({ severity, message, ...fields })}\n`);
  },
};

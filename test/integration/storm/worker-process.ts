/** A worker process on a free port, whose number it sends to its parent once it is warm. Settings of lib in the environment. */
import { flushCompileCache } from 'node:module';
import { worker } from '../../../lib/index.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { portOf, serveFunctions } from '../../support/serve-functions.ts';
import { visit } from './visit.ts';

const runtime = createRuntime(process.env);
// Loads both clients and has them connect.
await Promise.all([runtime.ports.store.getRun('none'), runtime.retries.retryLimits(visit.queue)]);
const server = await serveFunctions({ [visit.name]: worker(visit, () => runtime) });
// Node keeps what it has compiled when a process ends by itself; this one will be killed.
flushCompileCache();
process.send?.(portOf(server));

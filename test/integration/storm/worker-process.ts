/** A worker process on a free port, whose number it sends to its parent once it is warm. Settings of lib in the environment. */
import { worker } from '../../../lib/index.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { portOf, serveFunctions } from '../../support/serve-functions.ts';
import { visit } from './visit.ts';

const runtime = createRuntime(process.env);
// Loads both clients and has them connect.
await Promise.all([runtime.ports.store.getRun('none'), runtime.retries.retryLimits(visit.queue)]);
const server = await serveFunctions({ [visit.name]: worker(visit, () => runtime) });
process.send?.(portOf(server));

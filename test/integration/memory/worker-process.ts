/** A worker process on a free port, whose number it sends to its parent. Settings of lib in the environment. */
import { flushCompileCache } from 'node:module';
import { worker } from '../../../lib/index.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { portOf, serveFunctions } from '../../support/serve-functions.ts';
import { huge, many } from './walk.ts';

const runtime = createRuntime(process.env);
// Node keeps what it has compiled when a process ends by itself; this one will not.
flushCompileCache();
const functions = { many: worker(many, () => runtime), huge: worker(huge, () => runtime) };
process.send?.(portOf(await serveFunctions(functions)));

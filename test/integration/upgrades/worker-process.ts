/** A worker process of the deployment that DEPLOYMENT names, on a free port, whose number it sends to its parent. */
import { worker } from '../../../lib/index.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { portOf, serveFunctions } from '../../support/serve-functions.ts';
import { deployments, tasksOf } from './tasks.ts';

const runtime = createRuntime(process.env);
const deployment = deployments[process.env['DEPLOYMENT'] as keyof typeof deployments];
const functions = tasksOf(deployment).map((task) => [task.name, worker(task, () => runtime)] as const);
const server = await serveFunctions(Object.fromEntries(functions));
process.send?.(portOf(server));

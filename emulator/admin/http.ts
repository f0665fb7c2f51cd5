import { z } from 'zod';
import { ApiError } from '../core/errors.ts';
import { parseJson } from '../core/json-text.ts';
import { MAX_ADVANCE_MS } from './admin.ts';
import type { Admin } from './admin.ts';
import { attemptJson, deadTaskJson, deliveryJson } from './json.ts';
import type { FaultRule } from './fault-rule.ts';
import { problemsOf } from './problems.ts';
import { MAX_SNAPSHOT_BYTES } from './snapshot.ts';

interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

interface AdminReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Route = (request: AdminRequest, id: string) => unknown;

const PREFIX = '/emulator/v1/';

/** How long the body of a request may be that is not as all are. */
export function maxAdminBytes(path: string): number | undefined {
  return path === `${PREFIX}snapshot:restore` ? MAX_SNAPSHOT_BYTES : undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;

const whole = (max: number): z.ZodCoercedNumber => z.coerce.number().int().min(0).max(max);
const timeLimit = { timeoutMs: whole(600_000).default(DEFAULT_TIMEOUT_MS) };
const filter = {
  queue: z.string().optional(),
  taskName: z.string().optional(),
  url: z.string().optional(),
  attempt: whole(1_000_000_000).optional(),
};
/** How many of the newest are told, so that an answer stays within bounds. */
const limit = { limit: whole(10_000).default(1000) };

const idleQuery = z.strictObject({ ...timeLimit, until: z.enum(['idle', 'settled']).default('idle') });
const attemptsQuery = z.strictObject({ ...filter, ...limit });
const deliveriesQuery = z.strictObject({
  ...filter,
  ...limit,
  ...timeLimit,
  count: whole(10_000).default(0),
});
const logsQuery = z.strictObject({ queue: filter.queue, taskName: filter.taskName, ...limit });
const graveyardQuery = z.strictObject({ queue: filter.queue, ...limit });
const nothing = z.strictObject({});
const advanceBody = z.strictObject({ ms: z.number().min(0).max(MAX_ADVANCE_MS) });
const requeueBody = z.strictObject({ taskName: z.string().min(1) });

/** The admin over HTTP, as JSON, under `/emulator/v1/`. What is not its own it leaves to others. */
export function adminHttp(admin: Admin): (request: AdminRequest) => Promise<AdminReply | undefined> {
  const routes = routesOf(admin);
  return async (request) => {
    if (!request.path.startsWith(PREFIX)) return undefined;
    const [name = '', id = ''] = request.path.slice(PREFIX.length).split('/');
    const route = routes[`${request.method} ${name}${id === '' ? '' : '/*'}`];
    if (route === undefined) return undefined;
    return {
      status: 200,
      headers: { 'content-type': 'application/json; charset=UTF-8' },
      body: JSON.stringify(await route(request, id)),
    };
  };
}

function routesOf(admin: Admin): Readonly<Record<string, Route>> {
  const clock = (): object => ({
    state: admin.isFrozen ? 'frozen' : 'running',
    now: admin.now(),
    time: new Date(admin.now()).toISOString(),
    ...(admin.nextDueAt() !== undefined && { nextDueAt: admin.nextDueAt() }),
  });
  return {
    'GET idle': async ({ query }) => {
      const { until, timeoutMs } = readQuery(idleQuery, query);
      await admin[until]({ timeoutMs });
      return {};
    },
    'GET attempts': ({ query }) => {
      const { limit: most, ...wanted } = readQuery(attemptsQuery, query);
      const attempts = admin.attempts(wanted);
      return { attempts: newest(attempts, most).map(attemptJson), total: attempts.length };
    },
    'GET deliveries': async ({ query }) => {
      const { limit: most, count, timeoutMs, ...wanted } = readQuery(deliveriesQuery, query);
      const deliveries = await admin.waitForDeliveries(wanted, count, { timeoutMs });
      return { deliveries: newest(deliveries, most).map(deliveryJson), total: deliveries.length };
    },
    'GET logs': ({ query }) => {
      const { limit: most, ...wanted } = readQuery(logsQuery, query);
      const entries = admin.activity.entries(wanted);
      return { entries: newest(entries, most), total: entries.length };
    },
    'POST reset': async ({ body }) => {
      readBody(nothing, body);
      await admin.reset();
      return {};
    },
    'GET snapshot': () => admin.snapshot(),
    'POST snapshot:restore': async ({ body }) => {
      await admin.restore(parseJson(body.toString('utf8')));
      return {};
    },
    'GET clock': clock,
    'POST clock:freeze': ({ body }) => {
      readBody(nothing, body);
      admin.freeze();
      return clock();
    },
    'POST clock:resume': async ({ body }) => {
      readBody(nothing, body);
      await admin.resume();
      return clock();
    },
    'POST clock:advance': async ({ body }) => {
      await admin.advance(readBody(advanceBody, body).ms);
      return clock();
    },
    'POST clock:runNext': async ({ body }) => {
      readBody(nothing, body);
      return { hasRun: await admin.runNext(), ...clock() };
    },
    'GET faults': () => ({ seed: admin.faults.seed, faults: admin.faults.list() }),
    'POST faults': ({ body }) => ({ id: admin.faults.add(parseJson(body.toString('utf8')) as FaultRule) }),
    'DELETE faults': () => {
      admin.faults.clear();
      return {};
    },
    'DELETE faults/*': (_, id) => {
      if (!admin.faults.remove(id)) throw new ApiError('NOT_FOUND', `There is no fault rule ${id}.`);
      return {};
    },
    'GET graveyard': ({ query }) => {
      const { limit: most, queue } = readQuery(graveyardQuery, query);
      const dead = admin.graveyard.list({ queue });
      return { tasks: newest(dead, most).map(deadTaskJson), total: dead.length };
    },
    'POST graveyard:requeue': ({ body }) => {
      const { name } = admin.graveyard.requeue(readBody(requeueBody, body).taskName);
      return { taskName: name };
    },
  };
}

function newest<T>(all: readonly T[], count: number): readonly T[] {
  return all.slice(Math.max(0, all.length - count));
}

function readQuery<T>(schema: z.ZodType<T>, query: URLSearchParams): T {
  // What is empty is left out: `?queue=` asks for all queues, not for one without a name.
  const given = [...query].filter(([, value]) => value !== '');
  return read(schema, Object.fromEntries(given), 'query');
}

function readBody<T>(schema: z.ZodType<T>, body: Buffer): T {
  return read(schema, parseJson(body.toString('utf8')), 'body');
}

function read<T>(schema: z.ZodType<T>, value: unknown, place: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ApiError('INVALID_ARGUMENT', `${problemsOf(parsed.error, place)}.`);
}

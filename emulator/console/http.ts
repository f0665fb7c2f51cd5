import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { shortId } from '../core/names.ts';
import { ApiError } from '../core/errors.ts';
import { readAssets, SECURITY_HEADERS } from './assets.ts';
import { chainText } from './chain-text.ts';
import { chainJson, chainsJson } from './chains.ts';
import { queuesJson, tasksJson } from './lists.ts';
import { Live } from './live.ts';
import type { Sources } from './sources.ts';
import { taskJson } from './task-json.ts';

interface ConsoleRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

interface ConsoleReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | ((outgoing: ServerResponse) => void);
}

const PAGE = '/console/';
const VIEWS = '/console/views/';

const name = z.string().min(1).max(1000);
const wholeFromText = (max: number): z.ZodCoercedNumber => z.coerce.number().int().min(0).max(max);
const tasksQuery = z.strictObject({
  queue: name,
  state: z.enum(['all', 'waiting', 'retrying', 'out', 'gone']).default('all'),
  name: z.string().max(500).default(''),
  limit: wholeFromText(200).default(50),
  start: wholeFromText(Number.MAX_SAFE_INTEGER).default(0),
});
const taskQuery = z.strictObject({ name, before: wholeFromText(1_000_000_000).optional() });
const chainQuery = z.strictObject({ id: name });
const nothing = z.strictObject({});

type View = (query: URLSearchParams) => object;

/**
 * The console: a page at `/console/`, and what it shows as JSON under `/console/views/`. It only reads; what the page does, it does over
 * the API. What is not its own it leaves to others.
 */
export async function consoleHttp(
  sources: Sources,
): Promise<(request: ConsoleRequest) => ConsoleReply | undefined> {
  const assets = await readAssets();
  const live = new Live(sources.observe);
  const views = viewsOf(sources);
  return ({ method, path, query }) => {
    if (method !== 'GET' && method !== 'HEAD') return undefined;
    if (path === '/console') return reply('', { location: PAGE }, 301);
    if (path === `${VIEWS}live`) {
      live.checkRoom();
      return reply((outgoing) => live.follow(outgoing), { 'content-type': 'text/event-stream' });
    }
    if (path === `${VIEWS}chain.txt`) {
      const text = chainText(chainJson(read(chainQuery, query).id, sources));
      return reply(text, { 'content-type': 'text/plain; charset=utf-8' });
    }
    if (path.startsWith(VIEWS)) {
      const view = views[path.slice(VIEWS.length)];
      if (view === undefined) return undefined;
      return reply(JSON.stringify(view(query)), { 'content-type': 'application/json; charset=UTF-8' });
    }
    const asset = assets.get(path === PAGE ? 'index.html' : path.slice(PAGE.length));
    return asset && reply(asset.text, { 'content-type': asset.type });
  };
}

function viewsOf(sources: Sources): Readonly<Record<string, View | undefined>> {
  const views: Readonly<Record<string, View>> = {
    queues: (query) => {
      read(nothing, query);
      return queuesJson(sources);
    },
    tasks: (query) => tasksJson(read(tasksQuery, query), sources),
    task: (query) => {
      const { name: taskName, before } = read(taskQuery, query);
      return taskJson(taskName, sources, before);
    },
    chains: (query) => {
      read(nothing, query);
      return chainsJson(sources);
    },
    chain: (query) => chainJson(read(chainQuery, query).id, sources),
    graveyard: (query) => {
      read(nothing, query);
      return graveyardJson(sources);
    },
  };
  return Object.assign(Object.create(null) as object, views);
}

/** Newest first. */
function graveyardJson({ now, graveyard }: Sources): object {
  const tasks = graveyard.list().map(({ queueName, task, diedAt }) => ({
    name: task.name,
    id: shortId(task.name),
    queue: queueName,
    queueId: shortId(queueName),
    diedAt,
    attempts: task.dispatchCount,
    lastError: task.lastAttempt?.responseStatus?.message ?? '',
  }));
  return { now: now(), tasks: tasks.toReversed() };
}

function reply(
  body: ConsoleReply['body'],
  headers: Readonly<Record<string, string>>,
  status = 200,
): ConsoleReply {
  return { status, headers: { ...SECURITY_HEADERS, ...headers }, body };
}

function read<T>(schema: z.ZodType<T>, query: URLSearchParams): T {
  const parsed = schema.safeParse(Object.fromEntries(query));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${['query', ...path].join('.')}: ${message}`,
  );
  throw new ApiError('INVALID_ARGUMENT', `${problems.join('; ')}.`);
}

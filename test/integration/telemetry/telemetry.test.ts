import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { startEmulator } from '../../../emulator/index.ts';
import {
  cancelRun,
  healRuns,
  iterativeTask,
  pauseRun,
  resumeRun,
  retryRun,
  stopRepeating,
  task,
  worker,
} from '../../../lib/index.ts';
import { runTask } from '../../../lib/run-task.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { startRun } from '../../../lib/start-run.ts';
import { startOn } from '../../../lib/start-task.ts';
import { withRequestTrace } from '../../../lib/request-trace.ts';
import { testFirestore } from '../../support/firestore.ts';
import { memoryPorts } from '../../support/memory-ports.ts';
import { begin, takeLast, untilEnded } from '../../support/runs.ts';
import { portOf, serveFunctions } from '../../support/serve-functions.ts';
import { toolkitEnvironment } from '../../support/toolkit-environment.ts';

const spans = new InMemorySpanExporter();
const measurements = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({
  exporter: measurements,
  exportIntervalMillis: 2 ** 30,
  exportTimeoutMillis: 10_000,
});
const sdk = new NodeSDK({
  spanProcessors: [new SimpleSpanProcessor({ exporter: spans })],
  metricReaders: [reader],
});
const callerTrace = '4bf92f3577b34da6a3ce929d0e0e4736';
const secret = 'ada@example.com';

beforeAll(() => sdk.start());
afterAll(() => sdk.shutdown());

const mail = task({
  name: 'mail',
  queue: 'children',
  params: z.object({ to: z.string() }),
  run: () => {},
});
let hasFailed = false;
const walk = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({ to: z.string().default('nobody') }),
  query: (_, db) => db.collection('things').orderBy('rank'),
  pageSize: 2,
  each(thing, ctx) {
    if (thing.id === 'a') ctx.start(mail, { to: ctx.params.to });
    if (thing.id === 'c') ctx.quarantine(thing, 'not wanted');
    if (thing.id === 'e' && !hasFailed) {
      hasFailed = true;
      throw new TypeError(`no mail for ${secret}`);
    }
  },
});

/** Walks five documents over Cloud Tasks, one failure on the way, and gives what was logged. */
async function walkOut(): Promise<readonly Record<string, unknown>[]> {
  const logged: Record<string, unknown>[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    if (String(text).startsWith('{')) logged.push(JSON.parse(String(text)) as Record<string, unknown>);
    return true;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  const project = `telemetry-${process.pid}`;
  const retryConfig = { minBackoff: '0.01s', maxBackoff: '0.01s' };
  const emulator = await startEmulator({
    port: 0,
    project,
    location: 'europe-west1',
    queues: [{ name: 'iterate', retryConfig }, { name: 'children' }],
  });
  onTestFinished(() => emulator.close());
  const db = testFirestore(project);
  for (const [rank, id] of ['a', 'b', 'c', 'd', 'e'].entries()) await db.doc(`things/${id}`).set({ rank });
  const runtimes: ReturnType<typeof createRuntime>[] = [];
  const runtime = () => runtimes[0] ?? expect.fail('no runtime yet');
  const server = await serveFunctions({ walk: worker(walk, runtime), mail: worker(mail, runtime) });
  onTestFinished(() => void server.close());
  runtimes.push(createRuntime(toolkitEnvironment(emulator, project, `http://127.0.0.1:${portOf(server)}`)));
  // As for a request to a starter.
  const headers: Record<string, string> = { traceparent: `00-${callerTrace}-00f067aa0ba902b7-01` };
  const started = await withRequestTrace(
    (name) => headers[name],
    () => startOn(runtime().ports, walk, { to: secret }, { startedBy: 'test' }),
  );
  await untilEnded(db, 'runId' in started ? started.runId : expect.fail('no run'));
  await emulator.settled();
  return logged;
}

/** Value of each attribute set of a metric, by the values of its attributes. */
async function measured(): Promise<Record<string, Record<string, unknown>>> {
  await reader.forceFlush();
  const all = measurements
    .getMetrics()
    .at(-1)
    ?.scopeMetrics.find(({ scope }) => scope.name === 'pageturner');
  return Object.fromEntries(
    (all?.metrics ?? []).map(({ descriptor, dataPoints }) => [
      descriptor.name,
      Object.fromEntries(
        dataPoints.map(({ attributes, value }) => [
          Object.values(attributes).join(' '),
          typeof value === 'number' ? value : value.count,
        ]),
      ),
    ]),
  );
}

test('a run over Cloud Tasks is seen in spans, in metrics and in logs that belong to the spans', async () => {
  const logged = await walkOut();
  const all = spans.getFinishedSpans().filter(({ instrumentationScope: { name } }) => name === 'pageturner');
  const named = (name: string): readonly ReadableSpan[] => all.filter((span) => span.name === name);
  const ofSpan = (span: ReadableSpan): string => span.spanContext().spanId;
  const childrenOf = (parent: ReadableSpan): readonly string[] =>
    all
      .filter(({ parentSpanContext }) => parentSpanContext?.spanId === ofSpan(parent))
      .map(({ name }) => name);

  // The start belongs to the trace of the request that asked for it.
  const [start] = named('pageturner.start walk');
  expect(start?.spanContext().traceId).toBe(callerTrace);
  expect(start?.parentSpanContext).toMatchObject({ spanId: '00f067aa0ba902b7', isRemote: true });

  // Each delivery is a trace of its own, with a span for each thing that it waits for.
  const turns = named('pageturner.turn walk');
  const bySuccess = Map.groupBy(turns, ({ status }) => status.code);
  const good = bySuccess.get(SpanStatusCode.UNSET) ?? [];
  expect(new Set(good.map(({ attributes }) => attributes['pageturner.turn']))).toEqual(new Set([0, 1, 2]));
  const first = good.find(({ attributes }) => attributes['pageturner.turn'] === 0) ?? expect.fail();
  expect(first).toMatchObject({
    kind: SpanKind.CONSUMER,
    attributes: {
      'messaging.system': 'gcp_cloud_tasks',
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'turn',
      'messaging.destination.name': 'iterate',
      'messaging.message.id': expect.stringContaining('-0-0-0'),
      'pageturner.task': 'walk',
      'pageturner.shard': 0,
      'pageturner.epoch': 0,
      'pageturner.attempt': 1,
      'pageturner.outcome': 'committed',
    },
  });
  // Where the process knows the run, it asks for the page at the same time as for the records.
  expect(new Set(childrenOf(first))).toEqual(
    new Set(['read', 'query', 'handler', 'commit', 'enqueue'].map((name) => `pageturner.${name}`)),
  );
  expect(new Set(turns.map((turn) => turn.spanContext().traceId)).size).toBe(turns.length);

  // The chain holds together by links: each delivery's to the span that enqueued it.
  const linked = ({ links }: ReadableSpan): ReadableSpan =>
    all.find((span) => ofSpan(span) === links[0]?.context.spanId) ?? expect.fail('linked to nothing known');
  const second = good.find(({ attributes }) => attributes['pageturner.turn'] === 1) ?? expect.fail();
  expect(linked(second).name).toBe('pageturner.enqueue');
  expect(linked(second).parentSpanContext?.spanId).toBe(ofSpan(first));
  const [child] = named('pageturner.task mail');
  expect(linked(child ?? expect.fail()).parentSpanContext?.spanId).toBe(ofSpan(first));
  const [prepare] = named('pageturner.prepare walk');
  expect(linked(prepare ?? expect.fail()).spanContext().traceId).toBe(callerTrace);

  // A failure is marked by its kind; what it said, which may be about a person, is in no span.
  const [failedTurn] = bySuccess.get(SpanStatusCode.ERROR) ?? [];
  expect(failedTurn?.attributes).toMatchObject({ 'error.type': 'TypeError', 'pageturner.outcome': 'again' });
  const everything = all.map(({ name, attributes, events, status }) => ({
    name,
    attributes,
    events,
    status,
  }));
  expect(JSON.stringify(everything)).not.toContain(secret);

  // Log entries belong to the span in which they were written.
  const entry = logged.find(({ message }) => String(message).startsWith('TypeError: no mail'));
  const failedTrace = failedTurn?.spanContext().traceId ?? '';
  expect(entry?.['logging.googleapis.com/trace']).toMatch(
    new RegExp(`^(projects/[^/]+/traces/)?${failedTrace}$`),
  );
  const startedEntry = logged.find(({ message }) => message === 'The run started');
  expect(startedEntry?.['logging.googleapis.com/spanId']).toBe(ofSpan(start ?? expect.fail()));

  // Metrics add up to what the run's records say, and tell nothing apart but tasks, queues and outcomes.
  expect(await measured()).toEqual({
    'pageturner.documents.processed': { 'walk iterate': 4 },
    'pageturner.documents.quarantined': { 'walk iterate': 1 },
    'pageturner.pages': { 'walk iterate': 3 },
    'pageturner.tasks.started': { 'walk iterate': 1 },
    'pageturner.failures': { 'walk iterate each': 1 },
    'pageturner.page.duration': { 'walk iterate': 3 },
    'pageturner.handler.duration': {
      'walk iterate each ok': 3,
      'walk iterate each failed': 1,
      'mail children run ok': 1,
    },
    'pageturner.delivery.duration': {
      'walk iterate prepare prepared': 1,
      'walk iterate turn committed': 3,
      'walk iterate turn again TypeError': 1,
      'walk iterate finish walked': 1,
      'walk iterate complete completed': 1,
      'mail children task done': 1,
    },
  });
});

test('commands and healings have spans, and what they enqueue stands under them', async () => {
  const ports = memoryPorts();
  await begin(walk, ports);
  spans.reset();
  await pauseRun('r', {}, ports);
  ports.queue.tasks.length = 0;
  ports.clock.ms += 3_600_000;
  await healRuns({}, ports);
  await resumeRun('r', {}, ports);
  await cancelRun('r', { force: true }, ports);
  await expect(retryRun('r', {}, ports)).rejects.toThrow('Run r is canceled');
  await expect(stopRepeating('x', {}, ports)).rejects.toThrow('There is no run x.');
  const all = spans.getFinishedSpans();
  const tops = all.filter(({ parentSpanContext }) => parentSpanContext === undefined);
  expect(tops.map(({ name, attributes, status: { code } }) => ({ name, code, ...attributes }))).toEqual([
    { name: 'pageturner.pause', code: SpanStatusCode.UNSET, 'pageturner.run': 'r' },
    {
      name: 'pageturner.heal',
      code: SpanStatusCode.UNSET,
      'pageturner.seen': 1,
      'pageturner.healed': 1,
      'pageturner.failed': 0,
    },
    { name: 'pageturner.resume', code: SpanStatusCode.UNSET, 'pageturner.run': 'r' },
    { name: 'pageturner.cancel', code: SpanStatusCode.UNSET, 'pageturner.run': 'r' },
    {
      name: 'pageturner.retry',
      code: SpanStatusCode.ERROR,
      'pageturner.run': 'r',
      'error.type': 'invalid-state',
    },
    {
      name: 'pageturner.stop-repeating',
      code: SpanStatusCode.ERROR,
      'pageturner.run': 'x',
      'error.type': 'invalid-state',
    },
  ]);
  const pause = tops[0]?.spanContext().spanId;
  const below = all.filter(({ parentSpanContext }) => parentSpanContext?.spanId === pause);
  expect(below.map(({ name }) => name)).toEqual(['pageturner.enqueue']);
  const heal = tops[1]?.spanContext().spanId;
  const healed = all.filter(({ parentSpanContext }) => parentSpanContext?.spanId === heal);
  expect(healed.map(({ name, attributes }) => [name, attributes['pageturner.run']])).toEqual([
    ['pageturner.heal run', 'r'],
  ]);
});

test('onStart has a span of its own handler, which says how it ended', async () => {
  const ports = memoryPorts();
  let isBroken = true;
  const telling = {
    ...walk,
    onStart: () => {
      if (isBroken) throw new RangeError(`no report for ${secret}`);
    },
  };
  spans.reset();
  await startRun(telling, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' }, ports);
  await expect(takeLast(telling, ports)).rejects.toThrow('no report');
  isBroken = false;
  expect(await takeLast(telling, ports)).toBe('prepared');
  const calls = spans.getFinishedSpans().filter(({ name }) => name === 'pageturner.handler');
  expect(calls.map(({ attributes, status: { code } }) => ({ code, ...attributes }))).toEqual([
    { code: SpanStatusCode.ERROR, 'error.type': 'RangeError', 'pageturner.handler': 'onStart' },
    { code: SpanStatusCode.UNSET, 'pageturner.handler': 'onStart' },
  ]);
  expect((await measured())['pageturner.handler.duration']).toMatchObject({
    'walk iterate onStart ok': 1,
    'walk iterate onStart failed': 1,
  });
});

test('a handler that does not end in its time is measured as failed, and its span ends', async () => {
  const clock = {
    now: () => 1_000_000,
    after(_: number, fire: () => void) {
      const timer = setImmediate(fire);
      return () => clearImmediate(timer);
    },
  };
  const ports = { ...memoryPorts(), clock };
  const endless = task({ ...mail, name: 'endless', run: () => new Promise<never>(() => {}) });
  const slow = { ...walk, name: 'slow', onStart: () => new Promise<never>(() => {}) };
  spans.reset();
  const delivery = { kind: 'task', id: 'x', params: { to: secret }, repeat: 0 } as const;
  await expect(runTask(endless, delivery, ports, { queueId: 'children' })).rejects.toThrow('was not done');
  await startRun(slow, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' }, ports);
  await expect(takeLast(slow, ports)).rejects.toThrow('was not done');
  const calls = spans.getFinishedSpans().filter(({ name }) => name === 'pageturner.handler');
  const late = { code: SpanStatusCode.ERROR, 'error.type': 'deadline-exceeded' };
  expect(calls.map(({ attributes, status: { code } }) => ({ code, ...attributes }))).toEqual([
    { ...late, 'pageturner.handler': 'run' },
    { ...late, 'pageturner.handler': 'onStart' },
  ]);
  expect((await measured())['pageturner.failures']).toMatchObject({
    'endless children run': 1,
    'slow iterate onStart': 1,
  });
});

test('an error whose class has no name, or none that can be read, is told of as an error', async () => {
  const ports = memoryPorts();
  const strange = Object.defineProperty(new Error('strange'), 'constructor', { value: undefined });
  const nameless = new (class extends Error {})('nameless');
  spans.reset();
  for (const error of [strange, nameless]) {
    const failing = task({ ...mail, run: () => Promise.reject(error) });
    const delivery = { kind: 'task', id: 'x', params: { to: secret }, repeat: 0 } as const;
    await expect(runTask(failing, delivery, ports, { queueId: 'children' })).rejects.toBe(error);
  }
  expect(spans.getFinishedSpans().map(({ attributes }) => attributes['error.type'])).toEqual([
    'Error',
    'Error',
  ]);
});

import { retried } from './core/retry.ts';
import { command, type Command } from './core/control.ts';
import { PageturnerError } from './core/errors.ts';
import { faultOfBooleans } from './core/known-keys.ts';
import { last } from './core/repetition.ts';
import { noSuchRun } from './core/run.ts';
import { told } from './core/told.ts';
import { faultOfRate, withRate } from './core/throttle.ts';
import { isStopping } from './core/run-state.ts';
import { drainRun, drainShard } from './drain.ts';
import type { Ports } from './ports.ts';
import { defaultRuntime } from './runtime.ts';
import { stopRun } from './stop-run.ts';
import { inSpan } from './telemetry/spans.ts';

export interface ControlOptions {
  /** Who asks, kept with the run: an e-mail address, say. `code` unless given; at most the first 500 characters. */
  readonly by?: string;
  /** Why, kept with the run; at most the first 500 characters. */
  readonly reason?: string;
}

export interface StopRunOptions extends ControlOptions {
  /**
   * Not to wait for pages under way: when the call resolves, the run has stopped, and no page of it can take effect. What their
   * handlers do outside Firestore goes on until they end. False unless given.
   */
  readonly force?: boolean;
}

/**
 * Pauses a run: no further page begins. It is `pausing` until the pages under way have ended, and `paused` then; a worker that hangs
 * is not waited for longer than its `timeoutSeconds`. A run that is pausing or paused stays so.
 *
 * @throws PageturnerError `invalid-parameters`; `invalid-state` when there is no such run or it has ended; and what the database or the
 *   queue throws: pause again then.
 */
export async function pauseRun(
  runId: string,
  options: StopRunOptions = {},
  ports: Ports = defaultRuntime().ports,
): Promise<void> {
  await control(runId, 'pause', options, ports);
}

/**
 * Resumes a paused or pausing run at its cursors. A run that goes on stays so.
 *
 * @throws PageturnerError `invalid-parameters`; `invalid-state` when there is no such run or it has ended; and what the database or the
 *   queue throws: resume again then, and what the run has to enqueue is enqueued once more.
 */
export async function resumeRun(
  runId: string,
  options: ControlOptions = {},
  ports: Ports = defaultRuntime().ports,
): Promise<void> {
  await control(runId, 'resume', options, ports);
}

/**
 * Cancels a run for good, without its `onComplete`: it is `canceling` until the pages under way have ended, and `canceled` then; see
 * `pauseRun`. A canceled run stays so.
 *
 * @throws PageturnerError `invalid-parameters`; `invalid-state` when there is no such run or it ended otherwise; and what the database or
 *   the queue throws: cancel again then.
 */
export async function cancelRun(
  runId: string,
  options: StopRunOptions = {},
  ports: Ports = defaultRuntime().ports,
): Promise<void> {
  await control(runId, 'cancel', options, ports);
}

/**
 * Takes a failed run up again where it stands: at the cursors of its shards with no failure counted, or at its preparation or
 * completion. The documents that a failed or completed run has set aside are taken again by one more shard; one that has been deleted
 * meanwhile is forgotten. `onComplete` is not called a second time.
 *
 * @throws PageturnerError `invalid-parameters`; `invalid-state` when there is no such run, or nothing to take up again; and what the
 *   database or the queue throws: retry again then.
 */
export async function retryRun(
  runId: string,
  options: ControlOptions = {},
  ports: Ports = defaultRuntime().ports,
): Promise<void> {
  await control(runId, 'retry', options, ports);
}

/**
 * Lets a run end and no other follow it. Where it has been followed already, this is about the run that is at work or waits now.
 *
 * @returns the id of the run that is the last one
 * @throws PageturnerError `invalid-parameters`; `invalid-state` when there is no such run, or more than 100 have followed it: name a newer
 *   one then.
 */
export async function stopRepeating(
  runId: string,
  options: ControlOptions = {},
  ports: Ports = defaultRuntime().ports,
): Promise<string> {
  mustBeGood(options);
  return await inCommandSpan('stop-repeating', runId, () => endRow(runId, options, ports));
}

/** Has no run follow the newest of those that have followed one another. */
async function endRow(
  runId: string,
  { by = 'code', reason }: ControlOptions,
  { store, clock, log }: Ports,
): Promise<string> {
  let id = runId;
  for (let hops = 0; hops < 100; hops += 1) {
    let next: string | undefined;
    const change = await store.changeRun(id, (found) => {
      next = found.run.nextRun;
      const cause = { at: clock.now(), by, ...(reason === undefined ? {} : { reason }) };
      return next === undefined ? last(found, cause) : undefined;
    });
    if (change?.run !== undefined)
      log.write('INFO', 'The run is the last one', { task: change.run.task, run: id, by });
    if (next === undefined) return id;
    id = next;
  }
  throw new PageturnerError(
    'invalid-state',
    `More than 100 runs have followed run ${runId}; name a newer one (\`pageturner runs list\` shows them).`,
  );
}

/**
 * Has a run go faster or slower from its shards' next pages on: a page under way, and the wait behind the last one, end as they would.
 * A run that has this rate already keeps it. The runs that follow it have it too.
 *
 * @param documentsPerSecond what all its shards together take at most, 0.1 to 1,000,000; null for no limit
 * @throws PageturnerError `invalid-parameters`; `invalid-state` when there is no such run, or none of its pages can follow; and what the
 *   database throws: throttle again then.
 */
export async function throttleRun(
  runId: string,
  documentsPerSecond: number | null,
  options: ControlOptions = {},
  ports: Ports = defaultRuntime().ports,
): Promise<void> {
  mustBeGood(options);
  const fault = faultOfRate(documentsPerSecond);
  if (fault !== undefined) throw new PageturnerError('invalid-parameters', `${fault}.`);
  await inCommandSpan('throttle', runId, () => setRate(runId, documentsPerSecond, options, ports));
}

async function setRate(
  runId: string,
  documentsPerSecond: number | null,
  { by = 'code', reason }: ControlOptions,
  ports: Ports,
): Promise<void> {
  const change = await ports.store.changeRun(runId, (found) =>
    withRate(found, documentsPerSecond, {
      at: ports.clock.now(),
      by,
      ...(reason === undefined ? {} : { reason }),
    }),
  );
  if (change?.run === undefined) return;
  const { task, documentsPerSecond: rate = 'all that it can' } = change.run;
  ports.log.write('INFO', `The run takes ${rate} documents a second`, { task, run: runId, by });
}

/** Under it stands what the command enqueues, so that the run's next delivery links to it. */
async function inCommandSpan<T>(name: string, runId: string, work: () => Promise<T>): Promise<T> {
  return await inSpan(name, { attributes: { 'pageturner.run': runId } }, work);
}

async function control(runId: string, asked: Command, options: StopRunOptions, ports: Ports): Promise<void> {
  mustBeGood(options);
  await inCommandSpan(asked, runId, () => carryOut(runId, asked, options, ports));
}

function mustBeGood(options: StopRunOptions): void {
  const texts = (['by', 'reason'] as const).find(
    (name) => !['string', 'undefined'].includes(typeof options[name]),
  );
  const fault =
    texts === undefined
      ? faultOfBooleans(options, ['force'])
      : `${texts} ${told(options[texts])}: write a text`;
  if (fault !== undefined) throw new PageturnerError('invalid-parameters', `${fault}.`);
}

async function carryOut(runId: string, asked: Command, options: StopRunOptions, ports: Ports): Promise<void> {
  const { store, queue, clock, log } = ports;
  const { by = 'code', force, reason } = options;
  const why = reason === undefined ? {} : { reason };
  const hasSetAside = asked === 'retry' && (await store.readSetAside(runId, null, 1)).read > 0;
  const change = await store.changeRun(runId, (found) => {
    const cause = { at: clock.now(), by, ...why };
    return asked === 'retry' ? retried(found, hasSetAside, cause) : command(found, asked, cause);
  });
  const found = await store.getRun(runId);
  if (found === undefined) throw noSuchRun(runId);
  if (change?.run !== undefined)
    log.write('INFO', `The run is ${change.run.state}`, { task: change.run.task, run: runId, by });
  // Also when the run was as asked before: a crash may have kept the first call from enqueueing.
  if (found.run.state === 'running') for (const shard of found.shards) await drainShard(shard, queue);
  await drainRun(found.run, ports);
  // Chains that wait were parked by the command itself, and it may have been all of them.
  const hasParked = isStopping(found.run.state) && (change?.shards ?? []).length > 0;
  if (force === true || hasParked) await stopRun(runId, { by, force: force === true }, ports);
}

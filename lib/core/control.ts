import { PageturnerError } from './errors.ts';
import type { OutboxTask } from './outbox.ts';
import type { Run, RunState, Shard } from './run.ts';
import { finishTask, turnTask } from './turn-rules.ts';

export type Command = 'pause' | 'resume' | 'cancel';

/** What each command makes of each state; a state that it does not name refuses the command. */
const transitions: Readonly<Record<Command, Readonly<Partial<Record<RunState, RunState>>>>> = {
  pause: { running: 'paused', paused: 'paused' },
  resume: { paused: 'running', running: 'running' },
  cancel: { running: 'canceled', paused: 'canceled', canceled: 'canceled' },
};

/**
 * The run and its shard after a command, or `as-asked` when they are so already. The epoch rises, so that tasks of the chain as it
 * was are void; both are to be written together, so that a page under way cannot commit. What the last page had to enqueue stays in
 * the outbox; the next task of a resumed chain stands behind it.
 *
 * @throws PageturnerError `invalid-state`.
 */
export function control(
  run: Run,
  shard: Shard,
  command: Command,
  now: number,
): { readonly run: Run; readonly shard: Shard } | 'as-asked' {
  const state = transitions[command][run.state];
  if (state === undefined) {
    throw new PageturnerError(
      'invalid-state',
      `Run ${run.id} is ${run.state}; ${command} takes a run that is ${Object.keys(transitions[command]).join(' or ')}.`,
    );
  }
  if (state === run.state) return 'as-asked';
  const after: Run = { ...run, state, ...(state === 'canceled' ? { endedAt: now } : {}) };
  return { run: after, shard: state === 'running' ? restart(run, shard, now) : cut(shard, now) };
}

/** The shard under a new epoch, so that each task of its chain is void. */
function cut(shard: Shard, now: number): Shard {
  return { ...shard, epoch: shard.epoch + 1, updatedAt: now };
}

/**
 * The shard with its chain cut and begun anew at the cursor: its outbox holds what the last page started, and behind that the task
 * of the new epoch. A run that was to begin later still does.
 */
export function restart(run: Run, shard: Shard, now: number): Shard {
  const after = cut(shard, now);
  const worker = { name: run.task, timeoutSeconds: run.outbox[0]?.timeoutSeconds ?? 60 };
  const next = shard.state === 'done' ? finishTask(run, after, worker) : turnTask(run, after, worker);
  const at = shard.turn === 0 ? expectedTask(run, shard)?.at : undefined;
  return { ...after, outbox: [...childrenOf(run, shard), { ...next, ...(at === undefined ? {} : { at }) }] };
}

/** The task that carries a running chain on: the last that its shard had to enqueue, and before its first page that of the start. */
export function expectedTask(run: Run, shard: Shard): OutboxTask | undefined {
  return shard.outbox.at(-1) ?? run.outbox[shard.index];
}

/** What the last page started, without the chain's own next task. */
export function childrenOf(run: Run, shard: Shard): readonly OutboxTask[] {
  return shard.outbox.filter(({ delivery }) => !('run' in delivery && delivery.run === run.id));
}

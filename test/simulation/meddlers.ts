import type { Engine } from '../../emulator/engine/engine.ts';
import type { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import {
  cancelRun,
  pauseRun,
  resumeRun,
  retryRun,
  stopRepeating,
  throttleRun,
} from '../../lib/control-run.ts';
import { PageturnerError } from '../../lib/core/errors.ts';
import { healRuns } from '../../lib/heal-runs.ts';
import type { Ports } from '../../lib/ports.ts';
import type { Adversary } from './adversary.ts';
import { location, queues, sleep } from './engine-queue.ts';

/** What people and schedules do to a run while it goes on. */
export const meddlings = [
  'pause',
  'resume',
  'cancel',
  'retry',
  'throttle',
  'heal',
  'purge',
  'deleteTask',
] as const;
export type Meddling = (typeof meddlings)[number];

export interface MeddledWorld {
  readonly clock: VirtualClock;
  readonly adversary: Adversary;
  readonly engine: Engine;
  /** The ports of a process of its own, which may die like any other. */
  readonly newPorts: () => Ports;
  readonly runIds: () => readonly string[];
  /** Called before somebody stops a run by force. */
  readonly forced: (runId: string) => void;
  /** Whether its runs wait for children. */
  readonly isLong: boolean;
}

/** Within this time of the start; where a run waits for children within the longer one, since they take longer than pages. */
const [meddlingMs, longMeddlingMs] = [30_000, 300_000];

/** Commands, healers and hands in the queues, at random times and from several places at once. */
export function planMeddling(world: MeddledWorld): void {
  const { clock, adversary } = world;
  const { chance } = adversary;
  for (const meddling of meddlings) {
    const isLong = world.isLong && ['heal', 'purge', 'deleteTask'].includes(meddling);
    if (!chance.happens(meddling === 'cancel' ? 0.15 : isLong ? 0.6 : 0.4)) continue;
    for (let times = chance.between(1, isLong ? 5 : 3); times > 0; times -= 1) {
      const withinMs = isLong ? longMeddlingMs : meddlingMs;
      clock.at(clock.now() + chance.between(1, withinMs), () => {
        const runs = world.runIds();
        if (runs.length === 0) return;
        const runId = chance.pick(runs);
        adversary.struck(meddling);
        for (let places = chance.pick([1, 1, 2, 3]); places > 0; places -= 1) meddle(meddling, runId, world);
      });
    }
  }
}

function meddle(meddling: Meddling, runId: string, world: MeddledWorld): void {
  const { adversary, engine, forced } = world;
  const { chance } = adversary;
  const howTo = (): { readonly force: boolean } => {
    const force = chance.happens(0.3);
    if (force) forced(runId);
    return { force };
  };
  switch (meddling) {
    case 'pause':
      void insist(world, (ports) => pauseRun(runId, howTo(), ports));
      return;
    case 'resume':
      void insist(world, (ports) => resumeRun(runId, {}, ports));
      return;
    case 'cancel':
      void insist(world, (ports) => cancelRun(runId, howTo(), ports));
      return;
    case 'retry':
      void insist(world, (ports) => retryRun(runId, {}, ports));
      return;
    case 'throttle': {
      const rate = chance.pick([null, 5, 20]);
      void insist(world, (ports) => throttleRun(runId, rate, {}, ports));
      return;
    }
    case 'heal': {
      const quietSeconds = chance.pick([0, 5, 60]);
      void healRuns({ quietSeconds }, world.newPorts()).catch(() => {});
      return;
    }
    case 'purge':
      engine.queues.purge(`${location}/queues/${chance.pick(queues)}`);
      return;
    case 'deleteTask': {
      const { tasks } = engine.tasks.list(`${location}/queues/${chance.pick(queues)}`);
      if (tasks.length > 0) engine.tasks.delete(chance.pick(tasks).name);
    }
  }
}

/** Somebody pauses a run, and it goes on later. */
export async function pauseForAWhile(
  { clock, adversary, newPorts }: Pick<MeddledWorld, 'clock' | 'adversary' | 'newPorts'>,
  runId: string,
): Promise<void> {
  await insist({ clock, newPorts }, (ports) => pauseRun(runId, {}, ports));
  clock.at(clock.now() + adversary.chance.between(1, 20_000), () => {
    void insist({ clock, newPorts }, (ports) => resumeRun(runId, {}, ports));
  });
}

/**
 * From then on, or up to twice as late, somebody looks every so often whether a run is to be followed by another, until none begins any more.
 * The adversary has come to rest: further runs would be like the last.
 */
const [firstLookMs, lookEveryMs, lastLookMs] = [70_000, 20_000, 400_000];

/** Somebody has seen enough runs that follow one another. */
export function planLastRun(world: MeddledWorld & { readonly repeating: () => readonly string[] }): void {
  const { clock, adversary, repeating } = world;
  const startsAt = clock.now();
  const firstLook = adversary.chance.between(firstLookMs, 2 * firstLookMs);
  for (let ms = firstLook; ms < lastLookMs; ms += lookEveryMs) {
    clock.at(startsAt + ms, () => {
      for (const runId of repeating()) {
        adversary.struck('stopRepeating');
        void insist(world, (ports) => stopRepeating(runId, {}, ports));
      }
    });
  }
}

/** Somebody asks, and again until they are answered: done, or that it cannot be done. */
export async function insist(
  { clock, newPorts }: Pick<MeddledWorld, 'clock' | 'newPorts'>,
  ask: (ports: Ports) => Promise<unknown>,
): Promise<void> {
  for (;;) {
    const answered = ask(newPorts()).then(
      () => true,
      (error: unknown) => error instanceof PageturnerError && error.code === 'invalid-state',
    );
    if (await Promise.race([answered, sleep(clock, 10_000).then(() => false)])) return;
  }
}

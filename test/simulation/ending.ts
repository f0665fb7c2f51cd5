import type { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import { resumeRun, retryRun } from '../../lib/control-run.ts';
import type { Run } from '../../lib/core/run.ts';
import { healRuns } from '../../lib/heal-runs.ts';
import type { Ports } from '../../lib/ports.ts';
import type { Adversary, Harm } from './adversary.ts';
import { insist } from './meddlers.ts';
import type { Tempers } from './tempers.ts';

export interface EndingWorld {
  readonly clock: VirtualClock;
  readonly adversary: Adversary;
  readonly tempers: Tempers;
  /** Whether a queue drops tasks. */
  readonly dropsTasks: boolean;
  /** Whether runs wait for children. */
  readonly waitsForChildren: boolean;
  /** Ports on which nothing goes wrong. */
  readonly calmPorts: Ports;
  readonly newPorts: () => Ports;
  readonly runs: () => readonly Run[];
  /** How many documents a run has set aside. */
  readonly setAside: (run: string) => number;
  /** Starts the walk where nothing goes wrong. */
  readonly startCalmly: () => Promise<unknown>;
  readonly runOut: () => Promise<void>;
  readonly report: (breach: string) => void;
}

/** After which a run's task, or a chain's, may be in no queue any more. Where none of them was done, nothing may have died. */
const deadly: readonly Harm[] = [
  ...(['purge', 'deleteTask', 'heal', 'pause', 'resume', 'cancel', 'retry'] as const),
  ...(['abandonedStart', 'retryAtTheEnd'] as const),
];
/** Longer than the time for which a chain must have been still; and healings come within the time for which a queue knows names. */
const healingEveryMs = 11 * 60_000;
const mostHealings = 4;
/** Where a queue drops a task behind some attempts, each death that a document is worth may take a healing. */
const mostHealingsOfDropped = 20;
/** For each run: those that share a key are taken up again one after the other, and each may fail, pause and have documents set aside. */
const mostRoundsEach = 8;
/** So often a run is retried before the code is mended that failed. */
const hopes = 1;

/**
 * What people and the healer's schedule do in the end: a walk that was never started is started, a paused run is resumed, what died is
 * healed, the code is mended, and what failed or was set aside is retried, until there is nothing left to do.
 */
export async function bringToAnEnd(world: EndingWorld): Promise<void> {
  await world.runOut();
  if (world.runs().every(({ isDryRun }) => isDryRun === true)) await world.startCalmly();
  for (let round = 0; round < mostRoundsEach * world.runs().length; round += 1) {
    await world.runOut();
    await heal(world);
    if (round > hopes) world.tempers.mend();
    if (!takeUpAgain(world)) return;
    if (world.waitsForChildren) healMeanwhile(world);
  }
  world.report('there is always something left to take up again');
}

/** Healers come while runs that were taken up again wait for children that live. */
function healMeanwhile({ adversary, clock, calmPorts }: EndingWorld): void {
  const { chance } = adversary;
  for (let times = chance.between(0, 3); times > 0; times -= 1) {
    const quietSeconds = chance.pick([5, 60]);
    clock.at(clock.now() + chance.between(1, 300_000), () => void healRuns({ quietSeconds }, calmPorts));
  }
}

/** Whether there was anything. */
function takeUpAgain({ adversary, clock, runs, newPorts, setAside }: EndingWorld): boolean {
  let isNeeded = false;
  for (const { id, state } of runs()) {
    if (state === 'paused') void insist({ clock, newPorts }, (ports) => resumeRun(id, {}, ports));
    else if (state === 'failed' || (state === 'completed' && setAside(id) > 0)) {
      adversary.struck('retryAtTheEnd');
      void insist({ clock, newPorts }, (ports) => retryRun(id, {}, ports));
    } else continue;
    isNeeded = true;
  }
  return isNeeded;
}

async function heal({ adversary, dropsTasks, clock, calmPorts, runOut, report }: EndingWorld): Promise<void> {
  if (!dropsTasks && !deadly.some((harm) => adversary.strikesOf.has(harm))) return;
  const most = dropsTasks ? mostHealingsOfDropped : mostHealings;
  for (let rounds = 0; rounds < most; rounds += 1) {
    await clock.advanceBy(healingEveryMs);
    const { healed, failed } = await healRuns({}, calmPorts);
    for (const { message } of failed) report(`healing failed: ${message}`);
    await runOut();
    if (healed.length === 0) return;
  }
  report('the healing has no end');
}

import type { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import type { Ports } from '../../lib/ports.ts';
import { startOn } from '../../lib/start-task.ts';
import type { Adversary } from './adversary.ts';
import type { Application } from './application.ts';
import { insist } from './meddlers.ts';
import { startOf, type Walk } from './walk.ts';

export interface StartingWorld {
  readonly clock: VirtualClock;
  readonly adversary: Adversary;
  /** The ports of a process of its own, which may die like any other. */
  readonly newPorts: () => Ports;
  readonly app: Pick<Application, 'walk' | 'launch'>;
}

/** The key that the runs of a keyed walk share. */
const key = 'one at a time';

/**
 * People start the walk: by itself or through another task, from one place or from several at once under the same idempotency key.
 * Most of them start it again until they hear that it has started; some give up half-way. Where there is a key, rivals start runs of
 * their own with it.
 */
export function start(world: StartingWorld, walk: Walk): void {
  const { isKeyed, repeatsAfter } = walk;
  const { adversary, clock, newPorts, app } = world;
  const { chance } = adversary;
  const only = isKeyed ? { key } : {};
  const repeat = repeatsAfter === undefined ? {} : { repeat: { after: repeatsAfter } };
  const isDirect = isKeyed || repeatsAfter !== undefined || chance.happens(0.5);
  const options = { idempotencyKey: 'the only one', startedBy: 'simulation', ...only, ...repeat };
  const ask = async (ports: Ports): Promise<unknown> =>
    isDirect
      ? await startOn(ports, app.walk, {}, { ...options, ...startOf(walk, ports.clock.now()) })
      : await startOn(ports, app.launch, {}, options);
  if (walk.startsAfter !== undefined) adversary.struck('lateStart');
  const isPatient = chance.happens(0.8);
  if (!isPatient) adversary.struck('abandonedStart');
  for (let places = chance.pick([1, 1, 2, 3]); places > 0; places -= 1) {
    if (isPatient) void insist(world, ask);
    else void ask(newPorts()).catch(() => {});
  }
  if (chance.happens(0.15)) {
    const dry = { idempotencyKey: 'the only one', startedBy: 'simulation', dryRun: true };
    clock.at(clock.now() + chance.between(0, 20_000), () => {
      adversary.struck('dryStart');
      void insist(world, (ports) => startOn(ports, app.walk, {}, dry));
    });
  }
  if (!isKeyed) return;
  for (let rivals = chance.between(0, 2); rivals > 0; rivals -= 1) {
    const own = { ...options, repeat: false as const, idempotencyKey: `of rival ${rivals}` };
    clock.at(clock.now() + chance.between(0, 30_000), () => {
      adversary.struck('rivalStart');
      void insist(world, (ports) => startOn(ports, app.walk, {}, own));
    });
  }
}

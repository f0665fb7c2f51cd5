import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../../config/config-error.ts';
import { queueFilesOf } from '../../config/load.ts';
import type { EmulatorConfig } from '../../config/schema.ts';
import { ApiError, type Emulator, type Reconfigured } from '../../emulator/index.ts';
import { FileWatcher } from './file-watcher.ts';

export type ConfigEvent =
  | ({
      readonly kind: 'reloaded';
      /** What has changed in the file and takes effect at the next start only. */
      readonly atNextStart: readonly string[];
    } & Reconfigured)
  /** The files cannot be used now: all stays as it was. */
  | { readonly kind: 'refused'; readonly message: string };

export interface FollowConfigOptions {
  readonly emulator: Pick<Emulator, 'reconfigure'>;
  /** What the emulator was started with. */
  readonly config: EmulatorConfig;
  /** Where the configuration is, whether it is there or not. */
  readonly file: string;
  /** Files with queues besides those that the configuration names. */
  readonly queueFiles?: readonly string[];
  /** Reads all of it again. */
  readonly load: () => Promise<EmulatorConfig>;
  readonly onEvent: (event: ConfigEvent) => void;
}

/** What an emulator that runs can take over. */
const LIVE: ReadonlySet<string> = new Set(['$schema', 'queues', 'queueFiles', 'rewrite']);

/**
 * Has an emulator that runs follow its configuration: when one of the files has changed, queues and rewrites are taken over. What is
 * wrong is told, and changes nothing.
 */
export function followConfig(options: FollowConfigOptions): Disposable {
  const { emulator, file, load, onEvent } = options;
  let current = options.config;
  let isOver = false;
  // One reading after the other, so that what was written last counts.
  let reading: Promise<void> = Promise.resolve();
  const watcher = new FileWatcher(() => {
    reading = reading.then(reload);
  });
  const watch = (config: EmulatorConfig): void => {
    for (const each of [file, ...(options.queueFiles ?? []), ...queueFilesOf(config, file)]) {
      try {
        watcher.add(resolve(each));
      } catch (error) {
        // The system may have no watcher left to give.
        onEvent({ kind: 'refused', message: `${each} is not watched: ${(error as Error).message}.` });
      }
    }
  };
  const reload = async (): Promise<void> => {
    if (isOver) return;
    try {
      const next = await load();
      // Over since: the emulator may be closed.
      if (isOver) return;
      const changes = emulator.reconfigure({ queues: next.queues, rewrite: next.rewrite });
      const keys = Object.keys({ ...current, ...next }) as (keyof EmulatorConfig)[];
      const atNextStart = keys.filter((key) => !LIVE.has(key) && !isDeepStrictEqual(current[key], next[key]));
      current = { ...current, queues: next.queues, queueFiles: next.queueFiles, rewrite: next.rewrite };
      watch(next);
      onEvent({ kind: 'reloaded', ...changes, atNextStart });
    } catch (error) {
      if (isOver) return;
      if (!(error instanceof ConfigError || error instanceof ApiError)) throw error;
      onEvent({ kind: 'refused', message: error.message });
    }
  };
  watch(current);
  return {
    [Symbol.dispose]: () => {
      isOver = true;
      watcher.close();
    },
  };
}

/** What an event says to people. */
export function configEventText(event: ConfigEvent): string {
  if (event.kind === 'refused') return `${event.message}\nThe emulator goes on as before.`;
  const { created, updated, left, atNextStart } = event;
  const parts = [
    ...(created.length > 0 ? [`new: ${created.join(', ')}`] : []),
    ...(updated.length > 0 ? [`changed: ${updated.join(', ')}`] : []),
    ...(left.length > 0 ? [`not named any more, and left alone: ${left.join(', ')}`] : []),
    ...(atNextStart.length > 0 ? [`at the next start only: ${atNextStart.join(', ')}`] : []),
  ];
  return `The configuration is read again${parts.length === 0 ? '' : `; ${parts.join('; ')}`}.`;
}

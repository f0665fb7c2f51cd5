import { http, type HttpFunction } from '@google-cloud/functions-framework';
import { startTask, worker } from '../lib/index.ts';
import { defaultRuntime } from '../lib/runtime.ts';
import { bareLoop } from './bare-loop.ts';
import { child, walkName, walks, type WalkKind } from './walk.ts';

/** What the bench asks of the process in which pages are worked on. */
export type BenchRequest = { readonly collection: string; readonly walk: WalkKind } & (
  | { readonly kind: 'start'; readonly waitMs?: number; readonly children?: number }
  | { readonly kind: 'loop'; readonly isEnqueueing: boolean }
);

/** The bare loop runs in the worker's own process: with the same client, on a connection as warm, in code as hot. */
const control: HttpFunction = async (request, response) => {
  const asked = request.body as BenchRequest;
  const { collection } = asked;
  switch (asked.kind) {
    case 'start': {
      const walk = walks.get(walkName(asked.walk));
      if (walk === undefined) throw new Error(`there is no ${walkName(asked.walk)}`);
      const { waitMs = 0, children = 0 } = asked;
      response.json(await startTask(walk, { collection, waitMs, children }));
      return;
    }
    case 'loop': {
      const { store, queue } = defaultRuntime().ports;
      const enqueue = (page: number): Promise<unknown> =>
        queue.enqueue({
          id: `loop-${process.hrtime.bigint()}-${page}`,
          queue: 'unserved',
          worker: 'bench',
          delivery: { kind: 'turn', run: 'loop', shard: 0, turn: page, epoch: 0, cursor: null },
          timeoutSeconds: 60,
          at: Date.now() + 24 * 3600 * 1000,
        });
      const { pageSize } = asked.walk;
      const options = { collection, pageSize, ...(asked.isEnqueueing ? { enqueue } : {}) };
      response.json(await bareLoop(store.db, options));
    }
  }
};

/** What the functions server serves. */
export const functions: Readonly<Record<string, HttpFunction>> = {
  control,
  [child.name]: worker(child),
  ...Object.fromEntries([...walks].map(([name, walk]) => [name, worker(walk)])),
};

for (const [name, handler] of Object.entries(functions)) http(name, handler);

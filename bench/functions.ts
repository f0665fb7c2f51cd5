import { http, type HttpFunction } from '@google-cloud/functions-framework';
import { startTask, worker } from '../lib/index.ts';
import { defaultRuntime } from '../lib/runtime.ts';
import { bareLoop } from './bare-loop.ts';
import { walks, type PageSize } from './walk.ts';

/** What the bench asks of the process in which pages are worked on. */
export type BenchRequest = { readonly pageSize: PageSize; readonly collection: string } & (
  { readonly kind: 'start' } | { readonly kind: 'loop'; readonly isEnqueueing: boolean }
);

/** The bare loop runs in the worker's own process: with the same client, on a connection as warm, in code as hot. */
const control: HttpFunction = async (request, response) => {
  const asked = request.body as BenchRequest;
  const { pageSize, collection } = asked;
  switch (asked.kind) {
    case 'start':
      response.json(await startTask(walks[pageSize], { collection }));
      return;
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
      const { isEnqueueing } = asked;
      response.json(await bareLoop(store.db, { collection, pageSize, ...(isEnqueueing ? { enqueue } : {}) }));
    }
  }
};

/** What the functions server serves. */
export const functions: Readonly<Record<string, HttpFunction>> = {
  control,
  ...Object.fromEntries(Object.values(walks).map((walk) => [walk.name, worker(walk)])),
};

for (const [name, handler] of Object.entries(functions)) http(name, handler);

import type { DispatchRequest } from '../../emulator/core/dispatch.ts';
import type { AppEngineTarget, HttpTarget, PushTask, Queue, Task } from '../../emulator/core/model.ts';
import { formatTaskName } from '../../emulator/core/names.ts';
import { newQueue } from '../../emulator/core/queue-rules.ts';

export const LOCATION: string = 'projects/my-project/locations/europe-west1';
export const QUEUE: string = `${LOCATION}/queues/my-queue`;

export const httpTarget: HttpTarget = {
  kind: 'http',
  url: 'https://worker.example/walk',
  method: 'POST',
  headers: {},
  body: new Uint8Array(),
};

export const appEngineTarget: AppEngineTarget = {
  kind: 'appEngine',
  relativeUri: '/walk?page=1',
  method: 'POST',
  headers: {},
  body: new Uint8Array(),
};

export function sampleQueue(changes: Partial<Queue> = {}): Queue {
  return { ...newQueue(QUEUE, {}), ...changes };
}

/** A task that was never tried, of 1970-01-01T00:00:00Z. */
export function sampleTask({
  id = 't1',
  queue = QUEUE,
  ...changes
}: Partial<Task> & { id?: string; queue?: string } = {}): Task {
  return {
    name: formatTaskName(queue, id),
    target: httpTarget,
    scheduleAt: 0,
    createAt: 0,
    dispatchDeadlineMs: 600_000,
    dispatchCount: 0,
    responseCount: 0,
    executionCount: 0,
    ...changes,
  };
}

/** The first delivery of the sample task. */
export function sampleRequest(changes: Partial<PushTask> = {}): DispatchRequest {
  const task = { ...sampleTask(changes), target: changes.target ?? httpTarget };
  return { queue: sampleQueue(), task, scheduleAt: task.scheduleAt };
}

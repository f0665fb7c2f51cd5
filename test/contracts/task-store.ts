import { describe } from 'vitest';
import type { TaskStore } from '../../emulator/store/store.ts';
import { attemptContract } from './task-store/attempts.ts';
import { contentsContract } from './task-store/contents.ts';
import { queueContract } from './task-store/queues.ts';
import { taskContract } from './task-store/tasks.ts';

/** What every store of queues and tasks must hold. `open` gives an empty store, and closes it when the test ends. */
export function describeTaskStore(name: string, open: () => TaskStore | Promise<TaskStore>): void {
  describe(name, () => {
    queueContract(open);
    taskContract(open);
    attemptContract(open);
    contentsContract(open);
  });
}

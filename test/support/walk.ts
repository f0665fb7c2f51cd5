import { z } from 'zod';
import { iterativeTask, type IterativeTask } from '../../lib/index.ts';

/** Goes over `things`, and does nothing with them. */
export const walk: IterativeTask = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({}),
  query: (_, db) => db.collection('things'),
  page: () => {},
});

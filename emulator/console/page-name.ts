/** The place in a run that a task's id names. */
export type PagePlace =
  | {
      readonly kind: 'turn';
      readonly run: string;
      readonly shard: number;
      readonly turn: number;
      readonly epoch: number;
    }
  | { readonly kind: 'finish'; readonly run: string; readonly shard: number; readonly epoch: number }
  | { readonly kind: 'prepare' | 'settle' | 'complete'; readonly run: string; readonly epoch: number }
  | { readonly kind: 'callback'; readonly run: string; readonly number: number; readonly epoch: number }
  /** Started by a page, where that is known, or by another handler of the run. */
  | { readonly kind: 'child'; readonly run: string; readonly shard?: number; readonly turn?: number };

const RUN = '[0-9a-f]{16}-([0-9a-f]{20})';
const TURN = new RegExp(`^${RUN}-(\\d{1,9})-(\\d{1,9})-(\\d{1,9})$`);
const FINISH = new RegExp(`^${RUN}-(\\d{1,9})-finish-(\\d{1,9})$`);
const STEP = new RegExp(`^${RUN}-(prepare|settle|complete)-(\\d{1,9})$`);
const CALLBACK = new RegExp(`^${RUN}-callback-(\\d{1,9})-(\\d{1,9})$`);
const PAGE_CHILD = new RegExp(`^${RUN}-(\\d{1,9})-(\\d{1,9})-\\d{1,9}-child-\\d{1,9}$`);
const CHILD = new RegExp(`^${RUN}-[\\w-]+-child-\\d{1,9}$`);

/**
 * Reads the ids of Pageturner's tasks, 16 hexadecimal digits and then, behind hyphens, the run of 20 and the place in it; docs/console.md
 * lists them. Undefined for any other id.
 */
export function pagePlaceOf(taskId: string): PagePlace | undefined {
  const turn = TURN.exec(taskId);
  if (turn !== null) {
    const [, run = '', shard, number, epoch] = turn;
    return { kind: 'turn', run, shard: Number(shard), turn: Number(number), epoch: Number(epoch) };
  }
  const finish = FINISH.exec(taskId);
  if (finish !== null) {
    const [, run = '', shard, epoch] = finish;
    return { kind: 'finish', run, shard: Number(shard), epoch: Number(epoch) };
  }
  const step = STEP.exec(taskId);
  if (step !== null) {
    const [, run = '', kind, epoch] = step;
    return { kind: kind as 'prepare' | 'settle' | 'complete', run, epoch: Number(epoch) };
  }
  const callback = CALLBACK.exec(taskId);
  if (callback !== null) {
    const [, run = '', number, epoch] = callback;
    return { kind: 'callback', run, number: Number(number), epoch: Number(epoch) };
  }
  const pageChild = PAGE_CHILD.exec(taskId);
  if (pageChild !== null) {
    const [, run = '', shard, number] = pageChild;
    return { kind: 'child', run, shard: Number(shard), turn: Number(number) };
  }
  const child = CHILD.exec(taskId);
  return child === null ? undefined : { kind: 'child', run: child[1] ?? '' };
}

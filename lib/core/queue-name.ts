import { told } from './told.ts';

/** What is wrong with the id of a queue, or undefined. The service would refuse it each time, and whatever waits for it would wait for ever. */
export function faultOfQueue(queue: unknown): string | undefined {
  if (typeof queue === 'string' && /^[A-Za-z0-9-]{1,100}$/.test(queue)) return undefined;
  return `queue ${told(queue)}: a queue id has 1 to 100 letters, digits and hyphens`;
}

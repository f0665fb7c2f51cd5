import { expect } from 'vitest';
import type { Emulator } from '../../../emulator/index.ts';
import { callRest } from '../emulator/call-rest.ts';

/** Where the virtual clock stands at first. */
export const start: number = Date.UTC(2026, 0, 1);
const location = 'projects/demo-pageturner/locations/us-central1';
export const mail: string = `${location}/queues/mail`;
export const pages: string = `${location}/queues/pages`;
export const run: string = '00112233445566778899';

export interface NewTask {
  readonly queue?: string;
  readonly id?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** When it falls due, from the start. */
  readonly seconds?: number;
}

/** Creates a task over REST, and returns its name. */
export async function createOn(
  emulator: Emulator,
  url: string,
  { queue = mail, id, body = {}, headers = {}, seconds }: NewTask,
): Promise<string> {
  const task = {
    ...(id !== undefined && { name: `${queue}/tasks/${id}` }),
    ...(seconds !== undefined && { scheduleTime: new Date(start + seconds * 1000).toISOString() }),
    httpRequest: { url, headers, body: Buffer.from(JSON.stringify(body)).toString('base64') },
  };
  const reply = await callRest(emulator, 'POST', `/v2/${queue}/tasks`, { task });
  expect(reply.status).toBe(200);
  return (reply.body as { name: string }).name;
}

/** What the console's page gets. */
export async function viewOf(emulator: Emulator, path: string): Promise<unknown> {
  const { status, body } = await callRest(emulator, 'GET', `/console/views/${path}`);
  expect(status).toBe(200);
  return body;
}

import type { Emulator } from '../../../emulator/index.ts';

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** Calls the emulator over REST. Text is sent as it is, an object as JSON. */
export async function callRest(
  emulator: Emulator,
  method: string,
  path: string,
  body?: object | string,
): Promise<Reply> {
  const text = typeof body === 'object' ? JSON.stringify(body) : body;
  const headers = { 'content-type': typeof body === 'object' ? 'application/json' : 'text/plain' };
  const response = await fetch(`${emulator.url}${path}`, {
    method,
    ...(text !== undefined && { body: text, headers }),
  });
  return { status: response.status, body: await response.json() };
}

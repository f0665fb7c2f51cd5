import { jsonReply } from './http.ts';
import type { HttpHandler } from './http.ts';

/** `/healthz` and `/readyz`, for whoever waits for the emulator to answer. It listens only once it is ready. */
export const health: HttpHandler = ({ method, path }) => {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  return path === '/healthz' || path === '/readyz' ? jsonReply({ status: 'ok' }) : undefined;
};

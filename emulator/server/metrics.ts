import type { HttpHandler } from './http.ts';
import type { Rpc, Surface } from './rpc.ts';
import { toApiError } from './status.ts';

/** `/metrics`, in the text format of Prometheus. */
export function metricsPage(text: () => string): HttpHandler {
  return ({ method, path }) => {
    if (path !== '/metrics' || (method !== 'GET' && method !== 'HEAD')) return undefined;
    return { status: 200, headers: { 'content-type': 'text/plain; version=0.0.4' }, body: text() };
  };
}

/** The surface with each of its calls told of when it is answered. */
export function counted(surface: Surface, called: (method: string, code: string) => void): Surface {
  const watched = (method: string, rpc: Rpc): Rpc => {
    return (request) => {
      try {
        const answer = rpc(request);
        called(method, 'OK');
        return answer;
      } catch (error) {
        called(method, toApiError(error, () => {}).code);
        throw error;
      }
    };
  };
  const rpcs = Object.entries(surface.rpcs).map(([method, rpc]) => [method, watched(method, rpc)] as const);
  return { ...surface, rpcs: Object.fromEntries(rpcs) };
}

import type { consoleHttp } from './http.ts';
import type { Sources } from './sources.ts';

type ConsoleHandler = Awaited<ReturnType<typeof consoleHttp>>;

/** The console at `/console`, loaded when it is first asked for: most emulators are never looked at. */
export function consoleOnDemand(
  sources: Sources,
): (request: Parameters<ConsoleHandler>[0]) => Promise<ReturnType<ConsoleHandler>> {
  let loading: Promise<ConsoleHandler> | undefined;
  return async (request) => {
    if (request.path !== '/console' && !request.path.startsWith('/console/')) return undefined;
    loading ??= import('./http.ts').then((module) => module.consoleHttp(sources));
    return (await loading)(request);
  };
}

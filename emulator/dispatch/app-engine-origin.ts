import type { AppEngineRouting } from '../core/model.ts';

/**
 * Where the App Engine app is, such as `http://127.0.0.1:8080`: one address for all of it, or one for each service (`worker`),
 * version of a service (`v2.worker`) or instance (`i1.v2.worker`), and `default` for the rest.
 */
export type AppEngineUrl = string | Readonly<Record<string, string>>;

/** The address for a routing, that of its most exact entry. Throws an error with the mend where there is none. */
export function appEngineOrigin(url: AppEngineUrl | undefined, routing: AppEngineRouting): string {
  const { service = 'default', version, instance } = routing;
  const versionName = version === undefined ? service : `${version}.${service}`;
  const name = instance === undefined ? versionName : `${instance}.${versionName}`;
  const known = typeof url === 'string' ? { default: url } : (url ?? {});
  const key = [name, versionName, service, 'default'].find((candidate) => Object.hasOwn(known, candidate));
  const origin = key === undefined ? undefined : known[key];
  if (origin === undefined) {
    throw new Error(
      typeof url === 'object'
        ? `App Engine tasks of service "${service}" have nowhere to go: give appEngineUrl an entry "${service}".`
        : 'App Engine tasks have nowhere to go: start the emulator with appEngineUrl, the address of the app.',
    );
  }
  return origin.replace(/\/$/, '');
}

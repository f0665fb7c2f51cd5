import { ApiError } from '../core/errors.ts';
import type { Plain } from './schema.ts';
import { locationsService } from './schema.ts';
import type { Surface } from './rpc.ts';

/**
 * `google.cloud.location.Locations`, which tells clients where queues may be. The list holds the emulator's own location, though
 * queues may be created in any.
 */
export function locations(ownLocation: string): Surface {
  return {
    service: locationsService,
    // The protos say /v1; the service answers at its own version too, where gcloud asks.
    restVersions: ['/v1', '/v2', '/v2beta3', '/v2beta2'],
    rpcs: {
      ListLocations: ({ name }) => {
        const [, project] = parse(/^projects\/([^/]+)$/, name, 'projects/<PROJECT_ID>');
        return { locations: [locationMessage(project, ownLocation)] };
      },
      GetLocation: ({ name }) => {
        const [, project, location] = parse(
          /^projects\/([^/]+)\/locations\/([a-z0-9-]+)$/,
          name,
          'projects/<PROJECT_ID>/locations/<LOCATION_ID>',
        );
        return locationMessage(project, location);
      },
    },
  };
}

function parse(pattern: RegExp, name: unknown, form: string): string[] {
  const match = pattern.exec(typeof name === 'string' ? name : '');
  if (match === null) throw new ApiError('INVALID_ARGUMENT', `Name must be formatted: "${form}".`);
  return match;
}

function locationMessage(project = '', locationId = ''): Plain {
  return {
    name: `projects/${project}/locations/${locationId}`,
    locationId,
    labels: { 'cloud.googleapis.com/region': locationId },
  };
}

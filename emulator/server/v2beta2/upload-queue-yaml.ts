import type { protos } from '@google-cloud/tasks';
import { invalidArgument } from '../../core/faults.ts';
import type { Engine } from '../../engine/engine.ts';
import { jsonReply } from '../http.ts';
import type { HttpHandler } from '../http.ts';
import type { Rpc } from '../rpc.ts';
import { queueFileFromYaml } from './queue-yaml.ts';

type Request = protos.google.cloud.tasks.v2beta2.IUploadQueueYamlRequest;

/** Where the service takes it over HTTP: the proto has no annotation, the discovery document has this. */
const PATH = '/api/queue/update';

/** `UploadQueueYaml`: the queues of an App Engine app as its `queue.yaml` has them. The app's location is the emulator's own. */
export function uploadQueueYaml(
  engine: Engine,
  ownLocation: string,
): { readonly rpc: Rpc; readonly http: HttpHandler } {
  const upload = (appId: string, yaml: Uint8Array): void => {
    if (appId === '') throw invalidArgument('app_id is required: the id of the project.');
    const location = `projects/${appId}/locations/${ownLocation}`;
    engine.queues.upload(location, queueFileFromYaml(yaml));
  };
  return {
    rpc: (request) => {
      const { appId, httpBody } = request as Request;
      upload(appId ?? '', (httpBody?.data ?? Buffer.alloc(0)) as Uint8Array);
      return {};
    },
    // The body of the request is the file itself.
    http: ({ method, path, query, body }) => {
      if (method !== 'POST' || path !== PATH) return undefined;
      upload(query.get('appId') ?? query.get('app_id') ?? '', body);
      return jsonReply({});
    },
  };
}

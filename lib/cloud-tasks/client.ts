import { CloudTasksClient } from '@google-cloud/tasks';
import { credentials } from '@grpc/grpc-js';

/**
 * The official client, for Google Cloud or for an emulator.
 *
 * @param emulatorHost `HOST:PORT` of an emulator; undefined for Google Cloud.
 */
export function createTasksClient(emulatorHost: string | undefined): CloudTasksClient {
  if (emulatorHost === undefined) return new CloudTasksClient();
  const [host = '127.0.0.1', port = '8123'] = emulatorHost.split(/:(?=\d+$)/);
  return new CloudTasksClient({
    apiEndpoint: host,
    port: Number(port),
    sslCreds: credentials.createInsecure(),
  });
}

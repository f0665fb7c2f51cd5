import type protobuf from 'protobufjs';
import type { Engine } from '../engine/engine.ts';
import { decodePath } from './http-rule.ts';
import { jsonReply } from './http.ts';
import type { HttpHandler } from './http.ts';
import { messageToJson } from './json-encode.ts';
import { taskToProto } from './messages/task.ts';
import type { Version } from './version.ts';

/** The task's id is optional, and so is the slash before it. */
const PATH =
  /^(?<version>\/v2(?:beta[23])?)\/(?<queue>projects\/[^/]+\/locations\/[^/]+\/queues\/[^/]+)\/tasks(?:\/(?<id>[^/:]*))?:buffer$/;

/**
 * BufferTask, which no proto describes: the body of the request, as it comes, is the body of the task, and the rest comes from the
 * queue's HTTP target.
 */
export function bufferTask(engine: Engine, versions: readonly Version[]): HttpHandler {
  return ({ method, path, headers, body }) => {
    const match = method === 'POST' ? PATH.exec(path)?.groups : undefined;
    const version = versions.find(({ restVersions }) => restVersions.includes(match?.['version'] ?? ''));
    if (match === undefined || version === undefined) return undefined;
    const task = engine.tasks.buffer(decodePath(match['queue'] ?? ''), {
      taskId: decodePath(match['id'] ?? '') || undefined,
      contentType: headers['content-type'],
      body,
    });
    const type = version.service.methods['GetTask']?.resolvedResponseType as protobuf.Type;
    const message = version.taskTo(taskToProto(task, 'BASIC'));
    return jsonReply({ task: messageToJson(type, message, { enumsAsNumbers: false }) });
  };
}

import type protobuf from 'protobufjs';
import { cloudTasksV2Service } from '../../../emulator/server/schema.ts';

/** The type of an RPC's request. */
export function requestType(rpc: string): protobuf.Type {
  return rpcOf(rpc).resolvedRequestType as protobuf.Type;
}

export function rpcOf(name: string): protobuf.Method {
  const rpc = cloudTasksV2Service.methods[name];
  if (rpc === undefined) throw new Error(`The service has no ${name}.`);
  return rpc;
}

/** `google.cloud.tasks.v2.Task`. */
export const taskType: protobuf.Type = rpcOf('GetTask').resolvedResponseType as protobuf.Type;

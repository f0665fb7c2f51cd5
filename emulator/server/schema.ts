import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import protobuf from 'protobufjs';
import { ApiError } from '../core/errors.ts';
import { addLaterMethods } from './later-methods.ts';

/**
 * A protobuf message as a plain object: camelCase field names, enums as their names, 64-bit integers as numbers, bytes as
 * `Buffer`, absent fields left out. Both surfaces speak this form, so that an RPC is written once.
 */
export type Plain = Record<string, unknown>;

const TO_PLAIN: protobuf.IConversionOptions = { enums: String, longs: Number };

// The schemas are those of the installed client itself, so that what it can say is what the server understands. Neither
// package exports these files, hence the walk from the main entry of each.
const fromHere = createRequire(import.meta.url);
const tasksEntry = fromHere.resolve('@google-cloud/tasks');
const gaxEntry = createRequire(tasksEntry).resolve('google-gax');
const tasksFolder = join(dirname(tasksEntry), '..', '..', 'protos');
const gaxFolder = join(dirname(gaxEntry), '..', 'protos');
const tasksRoot = load(join(tasksFolder, 'protos.json'), addLaterMethods);
const locationsRoot = load(join(gaxFolder, 'locations.json'));
const statusRoot = load(join(gaxFolder, 'status.json'));

/** Where the `.proto` files are that the schemas were made from, and all that they import. */
export const PROTO_FOLDERS: readonly string[] = [tasksFolder, gaxFolder];

export const cloudTasksV2Service: protobuf.Service = tasksRoot.lookupService(
  'google.cloud.tasks.v2.CloudTasks',
);
export const cloudTasksV2Beta3Service: protobuf.Service = tasksRoot.lookupService(
  'google.cloud.tasks.v2beta3.CloudTasks',
);
export const cloudTasksV2Beta2Service: protobuf.Service = tasksRoot.lookupService(
  'google.cloud.tasks.v2beta2.CloudTasks',
);
export const operationsService: protobuf.Service = tasksRoot.lookupService('google.longrunning.Operations');
export const locationsService: protobuf.Service = locationsRoot.lookupService(
  'google.cloud.location.Locations',
);
export const queueV2Type: protobuf.Type = tasksRoot.lookupType('google.cloud.tasks.v2.Queue');
export const queueV2Beta3Type: protobuf.Type = tasksRoot.lookupType('google.cloud.tasks.v2beta3.Queue');
export const taskV2Type: protobuf.Type = tasksRoot.lookupType('google.cloud.tasks.v2.Task');
export const taskV2Beta3Type: protobuf.Type = tasksRoot.lookupType('google.cloud.tasks.v2beta3.Task');

/** Looks up `google.rpc.Status` and the types that stand in its `details`. */
export function rpcType(name: string): protobuf.Type {
  return statusRoot.lookupType(name);
}

/** Reads a request. Throws INVALID_ARGUMENT on bytes that are no such message. */
export function readMessage(type: protobuf.Type, bytes: Uint8Array): Plain {
  try {
    return decodeMessage(type, bytes);
  } catch (cause) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      `The request is no valid ${fullNameOf(type)}: ${(cause as Error).message}.`,
    );
  }
}

/** Reads a message from its wire form. Throws whatever protobufjs throws on bytes that are no such message. */
export function decodeMessage(type: protobuf.Type, bytes: Uint8Array): Plain {
  return type.toObject(type.decode(bytes), TO_PLAIN);
}

/** Writes a message's wire form. */
export function encodeMessage(type: protobuf.Type, message: Plain): Buffer {
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

/** The full name without protobufjs's leading dot, for instance `google.cloud.tasks.v2.Task`. */
export function fullNameOf(object: protobuf.ReflectionObject): string {
  let name = fullNames.get(object);
  if (name === undefined) {
    name = object.fullName.replace(/^\./, '');
    fullNames.set(object, name);
  }
  return name;
}

/** protobufjs makes the name anew each time, from that of each parent. */
const fullNames = new WeakMap<protobuf.ReflectionObject, string>();

/** The field's name in the `.proto` file, as Google's error texts and field masks write it. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The field's name in JSON and in `Plain`. A name that is camelCase already stays as it is. */
export function camelCase(name: string): string {
  if (!name.includes('_')) return name;
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function load(path: string, prepare?: (json: protobuf.INamespace) => void): protobuf.Root {
  const json = JSON.parse(readFileSync(path, 'utf8')) as protobuf.INamespace;
  prepare?.(json);
  const root = protobuf.Root.fromJSON(json);
  root.resolveAll();
  return root;
}

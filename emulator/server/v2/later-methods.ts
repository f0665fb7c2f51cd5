import type protobuf from 'protobufjs';
import type {
  FieldDescriptor,
  FileDescriptor,
  MessageDescriptor,
  ServiceDescriptor,
} from '../descriptors/types.ts';

/** What the service serves at v2 by now (its discovery document has it) and the protos of the installed client have at v2beta3 only. */
const METHODS = ['BatchCreateTasks', 'BatchDeleteTasks', 'UpdateCmekConfig', 'GetCmekConfig'] as const;
const MESSAGES = [
  'BatchCreateTasksRequest',
  'BatchCreateTasksResponse',
  'BatchCreateTasksMetadata',
  'BatchDeleteTasksRequest',
  'BatchDeleteTasksMetadata',
  'UpdateCmekConfigRequest',
  'GetCmekConfigRequest',
  'CmekConfig',
  'HttpTarget',
  'UriOverride',
  'PathOverride',
  'QueryOverride',
] as const;

/**
 * The wire number of `Queue.http_target` is published for v2beta3 only. This one, the greatest there is, is the emulator's own: gRPC
 * clients pass over it.
 */
const HTTP_TARGET_FIELD = 536_870_911;

interface Namespace {
  readonly nested: Record<string, object>;
}

/** Adds to the v2 package what is missing there, in the form that it has at v2beta3. A later client brings its own. */
export function addLaterMethods(json: protobuf.INamespace): void {
  const versions = at(json, 'google', 'cloud', 'tasks');
  const [v2, beta] = [at(versions, 'v2'), at(versions, 'v2beta3')];
  for (const name of MESSAGES) v2.nested[name] ??= beta.nested[name] ?? {};
  const methods = methodsOf(v2);
  for (const name of METHODS) {
    methods[name] ??= inV2(methodsOf(beta)[name]) ?? {};
  }
  const { fields } = v2.nested['Queue'] as { fields: Record<string, object> };
  fields['httpTarget'] ??= { type: 'HttpTarget', id: HTTP_TARGET_FIELD };
}

/** Adds the same to the descriptors of the v2 files, by file name: each message to the file that its like is in at v2beta3. */
export function addLaterDescriptors(files: Map<string, FileDescriptor>): void {
  for (const [betaName, betaFile] of [...files].filter(([name]) => name.includes('/tasks/v2beta3/'))) {
    const beta = inV2(betaFile);
    const name = inV2(betaName);
    const file = files.get(name) ?? { ...beta, message_type: [], service: [] };
    const has = new Set(file.message_type.map((message) => message.name));
    const added = beta.message_type.filter((each) => isLater(MESSAGES, each.name) && !has.has(each.name));
    files.set(name, {
      ...file,
      ...(added.length > 0 && { dependency: [...new Set([...file.dependency, ...beta.dependency])] }),
      message_type: [...file.message_type.map(withHttpTarget), ...added],
      service: file.service.map((service) => withLaterMethods(service, beta)),
    });
  }
}

function withLaterMethods(service: ServiceDescriptor, beta: FileDescriptor): ServiceDescriptor {
  const has = new Set(service.method.map(({ name }) => name));
  const methods = beta.service.find(({ name }) => name === service.name)?.method ?? [];
  const added = methods.filter(({ name }) => isLater(METHODS, name) && !has.has(name));
  return { ...service, method: [...service.method, ...added] };
}

function withHttpTarget(message: MessageDescriptor): MessageDescriptor {
  const name = 'http_target';
  const isThere = message.field.some((field) => field.name === name);
  if (message.name !== 'Queue' || isThere) return message;
  const field: FieldDescriptor = {
    name,
    number: HTTP_TARGET_FIELD,
    label: 'LABEL_OPTIONAL',
    type: 'TYPE_MESSAGE',
    type_name: '.google.cloud.tasks.v2.HttpTarget',
    json_name: 'httpTarget',
  };
  return { ...message, field: [...message.field, field] };
}

function isLater(names: readonly string[], name: string): boolean {
  return names.includes(name);
}

function inV2<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value).replaceAll('v2beta3', 'v2')) as Value;
}

function methodsOf(version: Namespace): Record<string, object> {
  return (version.nested['CloudTasks'] as { methods: Record<string, object> }).methods;
}

function at(json: unknown, ...path: string[]): Namespace {
  return path.reduce((namespace, name) => namespace.nested[name] as Namespace, json as Namespace);
}

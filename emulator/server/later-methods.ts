import type protobuf from 'protobufjs';
import type {
  FieldDescriptor,
  FileDescriptor,
  MessageDescriptor,
  ServiceDescriptor,
} from './descriptors/types.ts';

/**
 * What the service serves at these versions by now (their discovery documents have it) and the protos of the installed client have at
 * v2beta3 only.
 */
const VERSIONS = ['v2', 'v2beta2'] as const;
const METHODS: readonly string[] = [
  'BatchCreateTasks',
  'BatchDeleteTasks',
  'UpdateCmekConfig',
  'GetCmekConfig',
];
const MESSAGES: readonly string[] = [
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
];
/** The fields that v2 has by now, by message. */
const V2_FIELDS: Readonly<Record<string, { readonly name: string; readonly type: string }>> = {
  Queue: { name: 'http_target', type: 'HttpTarget' },
  Task: { name: 'retry_config', type: 'RetryConfig' },
};

/** Their wire numbers at v2 are not published. This one, the greatest there is, is the emulator's own: gRPC clients pass over it. */
const FIELD_NUMBER = 536_870_911;

interface Namespace {
  readonly nested: Record<string, object>;
}

/** Adds to the packages what is missing there, in the form that it has at v2beta3. A later client brings its own. */
export function addLaterMethods(json: protobuf.INamespace): void {
  const packages = at(json, 'google', 'cloud', 'tasks');
  const beta = at(packages, 'v2beta3');
  for (const version of VERSIONS) {
    const later = at(packages, version);
    for (const name of MESSAGES) later.nested[name] ??= beta.nested[name] ?? {};
    const methods = methodsOf(later);
    for (const name of METHODS) methods[name] ??= inVersion(version, methodsOf(beta)[name]) ?? {};
  }
  for (const [message, { name, type }] of Object.entries(V2_FIELDS)) {
    const { fields } = at(packages, 'v2').nested[message] as { fields: Record<string, object> };
    fields[jsonName(name)] ??= { type, id: FIELD_NUMBER };
  }
}

/** Adds the same to the descriptors of the files, by file name: each message to the file that its like is in at v2beta3. */
export function addLaterDescriptors(files: Map<string, FileDescriptor>): void {
  const betaFiles = [...files].filter(([name]) => name.includes('/tasks/v2beta3/'));
  for (const version of VERSIONS) {
    for (const [betaName, betaFile] of betaFiles) {
      const beta = inVersion(version, betaFile);
      const name = inVersion(version, betaName);
      const file = files.get(name) ?? { ...beta, message_type: [], service: [] };
      files.set(name, withLater(file, beta, version));
    }
  }
}

function withLater(file: FileDescriptor, beta: FileDescriptor, version: string): FileDescriptor {
  const has = new Set(file.message_type.map(({ name }) => name));
  const added = beta.message_type.filter(({ name }) => MESSAGES.includes(name) && !has.has(name));
  const messages = version === 'v2' ? file.message_type.map(withLaterField) : file.message_type;
  return {
    ...file,
    ...(added.length > 0 && { dependency: [...new Set([...file.dependency, ...beta.dependency])] }),
    message_type: [...messages, ...added],
    service: file.service.map((service) => withLaterMethods(service, beta)),
  };
}

function withLaterMethods(service: ServiceDescriptor, beta: FileDescriptor): ServiceDescriptor {
  const has = new Set(service.method.map(({ name }) => name));
  const methods = beta.service.find(({ name }) => name === service.name)?.method ?? [];
  const added = methods.filter(({ name }) => METHODS.includes(name) && !has.has(name));
  return { ...service, method: [...service.method, ...added] };
}

function withLaterField(message: MessageDescriptor): MessageDescriptor {
  const later = V2_FIELDS[message.name];
  if (later === undefined || message.field.some(({ name }) => name === later.name)) return message;
  const field: FieldDescriptor = {
    name: later.name,
    number: FIELD_NUMBER,
    label: 'LABEL_OPTIONAL',
    type: 'TYPE_MESSAGE',
    type_name: `.google.cloud.tasks.v2.${later.type}`,
    json_name: jsonName(later.name),
  };
  return { ...message, field: [...message.field, field] };
}

function jsonName(name: string): string {
  return name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** What stands at v2beta3 as it stands at another version. */
function inVersion<Value>(version: string, value: Value): Value {
  return JSON.parse(JSON.stringify(value).replaceAll('v2beta3', version)) as Value;
}

function methodsOf(version: Namespace): Record<string, object> {
  return (version.nested['CloudTasks'] as { methods: Record<string, object> }).methods;
}

function at(json: unknown, ...path: string[]): Namespace {
  return path.reduce((namespace, name) => namespace.nested[name] as Namespace, json as Namespace);
}

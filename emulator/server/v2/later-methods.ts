import type protobuf from 'protobufjs';

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

/** The wire number of `Queue.http_target` is published for v2beta3 only. This one is the emulator's own: gRPC clients pass over it. */
const HTTP_TARGET_FIELD = 19_999;

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
    const method = JSON.stringify(methodsOf(beta)[name]).replaceAll('/v2beta3/', '/v2/');
    methods[name] ??= JSON.parse(method) as object;
  }
  const { fields } = v2.nested['Queue'] as { fields: Record<string, object> };
  fields['httpTarget'] ??= { type: 'HttpTarget', id: HTTP_TARGET_FIELD };
}

function methodsOf(version: Namespace): Record<string, object> {
  return (version.nested['CloudTasks'] as { methods: Record<string, object> }).methods;
}

function at(json: unknown, ...path: string[]): Namespace {
  return path.reduce((namespace, name) => namespace.nested[name] as Namespace, json as Namespace);
}

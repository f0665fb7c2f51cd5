import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import protobuf from 'protobufjs';

/** The protos of the installed client: what is asked for is made from their descriptors. */
const entry = createRequire(import.meta.url).resolve('@google-cloud/tasks');
const json = readFileSync(join(dirname(entry), '..', '..', 'protos', 'protos.json'), 'utf8');
const root: protobuf.Root = protobuf.Root.fromJSON(JSON.parse(json) as protobuf.INamespace);
root.resolveAll();

export interface RpcToTry {
  /** `google.cloud.tasks.v2.CloudTasks`. */
  readonly service: string;
  readonly rpc: protobuf.Method;
}

export const rpcs: readonly RpcToTry[] = ['v2', 'v2beta3', 'v2beta2'].flatMap((version) => {
  const service = `google.cloud.tasks.${version}.CloudTasks`;
  return root.lookupService(service).methodsArray.map((rpc) => ({ service, rpc }));
});

/** Any RPC of any version. */
export const anyRpc: fc.Arbitrary<RpcToTry> = fc.constantFrom(...rpcs);

export function requestType(rpc: protobuf.Method): protobuf.Type {
  return rpc.resolvedRequestType as protobuf.Type;
}

export const QUEUE = 'projects/p/locations/l/queues/paused';

/** The first call over REST that the RPC's annotation describes, with the paused queue in its path where a name belongs. */
export function restCallOf(rpc: protobuf.Method): { readonly method: string; readonly path: string } {
  const options = (rpc.parsedOptions ?? []) as unknown as Record<string, Record<string, string>>[];
  const annotation = options.find((option) => '(google.api.http)' in option)?.['(google.api.http)'] ?? {};
  const [method = 'get', template = '/'] =
    Object.entries(annotation).find(([name]) => /^(get|post|put|patch|delete)$/.test(name)) ?? [];
  const path = template
    .replaceAll(/\{[^=}]+=([^}]+)\}/g, (_, form: string) => {
      const names = ['p', 'l', 'paused', 't'];
      return form.replaceAll('*', () => names.shift() ?? 'x');
    })
    .replaceAll(/\{[^}]+\}/g, 't');
  return { method: method.toUpperCase(), path };
}

/** Names that exist, names that might, and what is none. Nothing here leads off this machine. */
const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('projects/p/locations/l', QUEUE, `${QUEUE}/tasks/t`) },
  fc.constantFrom(
    `${QUEUE}2`,
    `${QUEUE}/tasks/u`,
    `${QUEUE}/tasks/x y`,
    'projects/p',
    'projects//locations//queues/',
  ),
  fc.constantFrom(
    'http://127.0.0.1:9/',
    'https://%zz/',
    'ftp://x',
    '/',
    '*',
    'state: PAUSED',
    'rate_limits',
    '__proto__',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('x'.repeat(3000), '/'.repeat(200), '\0', '\u{1F600}', 'ä'),
);

/** Where a request says what it is about: mostly something that is there. */
const NAME_FIELDS: ReadonlySet<string> = new Set(['name', 'parent', 'resource']);
const nameText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(QUEUE, `${QUEUE}/tasks/t`, 'projects/p/locations/l') },
  text,
);

const MAX_DEPTH = 5;

/** Any message of a type that can be put on the wire, however absurd. */
export function messageOf(type: protobuf.Type, depth = 0): fc.Arbitrary<Record<string, unknown>> {
  const fields = type.fieldsArray.filter(
    (field) => depth < MAX_DEPTH || !(field.resolvedType instanceof protobuf.Type),
  );
  const model = Object.fromEntries(
    fields.map((field) => [field.name, fc.option(fieldOf(field, depth), { nil: undefined, freq: 3 })]),
  );
  return fc.record(model);
}

function fieldOf(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  const value = valueOf(field, depth);
  if (field.map)
    return fc.dictionary(fc.oneof(text, fc.constantFrom('Host', 'Content-Type', 'a\nb')), value, {
      maxKeys: 3,
    });
  return field.repeated ? fc.array(value, { maxLength: 3 }) : value;
}

function valueOf(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) return messageOf(type, depth + 1);
  if (type instanceof protobuf.Enum)
    return fc.oneof(fc.constantFrom(...Object.values(type.values)), fc.integer());
  switch (field.type) {
    case 'string':
      return NAME_FIELDS.has(field.name) ? nameText : text;
    case 'bool':
      return fc.boolean();
    case 'bytes':
      return fc.uint8Array({ maxLength: 40 });
    case 'double':
    case 'float':
      return fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 500, 1e300));
    case 'int64':
      return fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String), fc.integer().map(String));
    default:
      return fc.oneof(fc.integer(), fc.constantFrom(0, -1, 2 ** 31 - 1, -(2 ** 31)));
  }
}

/** The wire form of any message of the type, whole or spoilt. */
export function bytesOf(type: protobuf.Type): fc.Arbitrary<Uint8Array> {
  const whole = messageOf(type).map((message) => type.encode(type.fromObject(message)).finish());
  const cut = fc.tuple(whole, fc.nat(200)).map(([bytes, length]) => bytes.slice(0, length));
  const flipped = fc.tuple(whole, fc.nat(200), fc.nat(255)).map(([bytes, at, value]) => {
    const spoilt = Uint8Array.from(bytes);
    if (spoilt.length > 0) spoilt[at % spoilt.length] = value;
    return spoilt;
  });
  const unknownField = whole.map((bytes) => Uint8Array.from([...bytes, 0xfa, 0xff, 0x03, 2, 1, 2]));
  const nested = fc.nat(3000).map((depth) => new Uint8Array(depth).fill(0x0b));
  return fc.oneof(
    { weight: 4, arbitrary: whole },
    cut,
    flipped,
    unknownField,
    nested,
    fc.uint8Array({ maxLength: 60 }),
  );
}

/** JSON for a request, as its fields want it or not, and text that is no JSON; as bytes. */
export function jsonOf(type: protobuf.Type): fc.Arbitrary<Buffer> {
  const spoilt = messageOf(type).chain((message) => {
    const keys = Object.keys(message).filter((key) => message[key] !== undefined);
    const key = keys.length === 0 ? fc.constant('unknownField') : fc.oneof(fc.constantFrom(...keys), text);
    return fc
      .tuple(key, fc.jsonValue({ maxDepth: 3 }))
      .map(([name, value]) => ({ ...message, [name]: value }));
  });
  const written = fc.oneof(messageOf(type), spoilt).map(writeJson);
  const cut = fc.tuple(written, fc.nat(100)).map(([whole, length]) => whole.slice(0, length));
  const deep = fc.nat(20_000).map((depth) => '{"queue":'.repeat(depth));
  return fc
    .oneof({ weight: 4, arbitrary: written }, cut, deep, fc.json(), fc.string({ unit: 'binary' }))
    .map((text) => Buffer.from(text));
}

/** Bytes in base64; times, durations and masks as the objects that they are not in JSON. */
function writeJson(message: unknown): string {
  return JSON.stringify(message, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
  );
}

/** A field of a request, by its path in JSON, and a value that is none of its type. */
export interface WrongField {
  readonly jsonPath: readonly string[];
  /** The path as Google names it. */
  readonly path: string;
  readonly value: unknown;
}

/** One wrong value somewhere in a request of the type. */
export function wrongFieldOf(type: protobuf.Type, parent: readonly string[] = []): fc.Arbitrary<WrongField> {
  const choices = type.fieldsArray
    .filter((field) => !field.repeated && !field.map)
    .flatMap((field) => {
      const jsonPath = [...parent, field.name];
      const here = wrongValueOf(field).map((value) => ({
        jsonPath,
        path: jsonPath.map(snakeCase).join('.'),
        value,
      }));
      const inner = field.resolvedType;
      const goesIn =
        inner instanceof protobuf.Type &&
        jsonPath.length < 4 &&
        !isWritten(inner) &&
        inner.fieldsArray.length > 0;
      return goesIn ? [here, wrongFieldOf(inner, jsonPath)] : [here];
    });
  return fc.oneof(
    ...choices,
    fc.constant({ jsonPath: [...parent, 'noSuchField'], path: parent.map(snakeCase).join('.'), value: 1 }),
  );
}

/** Whether the message is text in JSON, or passed over in a request. */
function isWritten({ fullName }: protobuf.Type): boolean {
  return /^\.google\.(protobuf|rpc)\./.test(fullName);
}

function wrongValueOf({ type, resolvedType }: protobuf.Field): fc.Arbitrary<unknown> {
  if (resolvedType instanceof protobuf.Type) return fc.constantFrom<unknown>(5, 'yesterday', true);
  if (resolvedType instanceof protobuf.Enum) return fc.constantFrom<unknown>('NO_SUCH', {}, 4711);
  if (type === 'string') return fc.constantFrom<unknown>(5, {}, true);
  if (type === 'bytes') return fc.constantFrom<unknown>('***', 5, {});
  if (type === 'bool') return fc.constantFrom<unknown>('maybe', 2, {});
  return fc.constantFrom<unknown>('x', {}, true, '');
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

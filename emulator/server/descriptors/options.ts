import protobuf from 'protobufjs';
import type { Plain } from '../schema.ts';
import type { ParsedOption } from './proto-files.ts';

/** In the text these look like options, and are fields of the descriptor itself. */
const NO_OPTIONS: ReadonlySet<string> = new Set(['default', 'json_name', 'proto3_optional']);

/** The options message of a declaration, extensions such as `google.api.http` included; undefined where there are none. */
export function optionsMessage(
  type: protobuf.Type,
  parsed: readonly ParsedOption[] | null | undefined,
): Plain | undefined {
  const message: Plain = {};
  for (const [name, value] of (parsed ?? []).flatMap((option) => Object.entries(option))) {
    if (!NO_OPTIONS.has(name)) add(message, fieldOf(type, name), value);
  }
  return Object.keys(message).length === 0 ? undefined : message;
}

/**
 * Options of enum values come flat, `{ "deprecated": true, "feature_support.edition_introduced": "…" }`: makes of them what the other
 * declarations have.
 */
export function unflattened(options: Readonly<Record<string, unknown>> | undefined): ParsedOption[] {
  const nested: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(options ?? {})) {
    const names = path.match(/\([^)]*\)|[^.]+/g) ?? [];
    let parent = nested;
    for (const name of names.slice(0, -1)) parent = (parent[name] ??= {}) as Record<string, unknown>;
    parent[names.at(-1) ?? ''] = value;
  }
  return [nested];
}

function add(message: Plain, field: protobuf.Field, value: unknown): void {
  const values = (Array.isArray(value) ? value : [value]).map((each) => plainValue(field, each));
  if (field.repeated) message[field.name] = [...((message[field.name] as unknown[]) ?? []), ...values];
  else message[field.name] = values[0];
}

function plainValue({ resolvedType }: protobuf.Field, value: unknown): unknown {
  if (!(resolvedType instanceof protobuf.Type)) return value;
  const message: Plain = {};
  for (const [name, each] of Object.entries(value as Plain)) add(message, fieldOf(resolvedType, name), each);
  return message;
}

/** `(google.api.http)` names an extension. */
function fieldOf(type: protobuf.Type, name: string): protobuf.Field {
  const field = type.fields[name.replace(/^\(\.?(.*)\)$/, '.$1')];
  if (field === undefined) throw new Error(`${type.fullName} has no option ${name}.`);
  return field;
}

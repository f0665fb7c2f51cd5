import protobuf from 'protobufjs';
import { fullNameOf } from './schema.ts';
import type { Plain } from './schema.ts';
import { formatDuration, formatTimestamp } from './time-format.ts';
import type { SecondsAndNanos } from './time-format.ts';

export interface JsonEncoding {
  /** Answers enums as numbers, as the client libraries ask for. Default: their names. */
  readonly enumsAsNumbers: boolean;
}

/**
 * Writes a message as proto3 JSON. Fields that hold their default are left out, as the real service leaves them out.
 * (proto3-json-serializer writes them, and puts `.000` on a whole second.)
 */
export function messageToJson(type: protobuf.Type, message: Plain, encoding: JsonEncoding): unknown {
  const secondsAndNanos = () => ({ seconds: 0, nanos: 0, ...message }) as SecondsAndNanos;
  switch (fullNameOf(type)) {
    case 'google.protobuf.Timestamp':
      return formatTimestamp(secondsAndNanos());
    case 'google.protobuf.Duration':
      return formatDuration(secondsAndNanos());
    case 'google.protobuf.Any': {
      // In `Plain` as in JSON it is the message itself, with its type.
      const { '@type': url = '', ...inner } = message as { '@type'?: string };
      const innerType = type.root.lookupType(url.slice(url.lastIndexOf('/') + 1));
      return { '@type': url, ...(messageToJson(innerType, inner, encoding) as object) };
    }
    default: {
      const json: Record<string, unknown> = {};
      for (const field of type.fieldsArray) {
        const value = fieldToJson(field, message[field.name], encoding);
        if (value !== undefined) json[field.name] = value;
      }
      return json;
    }
  }
}

function fieldToJson(field: protobuf.Field, value: unknown, encoding: JsonEncoding): unknown {
  if (value === undefined || value === null) return undefined;
  if (field.map) {
    const entries = Object.entries(value as Plain).map(
      ([key, item]) => [key, valueToJson(field, item, encoding)] as const,
    );
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  if (field.repeated) {
    const items = (value as unknown[]).map((item) => valueToJson(field, item, encoding));
    return items.length === 0 ? undefined : items;
  }
  // An `optional` field that is there says so, also with a default in it.
  const isOptional = field.options?.['proto3_optional'] === true;
  return !isOptional && isDefault(field, value) ? undefined : valueToJson(field, value, encoding);
}

function valueToJson(field: protobuf.Field, value: unknown, encoding: JsonEncoding): unknown {
  if (field.resolvedType instanceof protobuf.Enum) {
    return encoding.enumsAsNumbers ? (field.resolvedType.values[String(value)] ?? value) : value;
  }
  if (field.resolvedType instanceof protobuf.Type) {
    return messageToJson(field.resolvedType, value as Plain, encoding);
  }
  // 64-bit numbers are texts, since not every reader of JSON has room for them.
  if (field.type === 'int64' || field.type === 'uint64') return String(value);
  if (!(value instanceof Uint8Array)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
}

function isDefault(field: protobuf.Field, value: unknown): boolean {
  if (field.resolvedType instanceof protobuf.Type) return false;
  if (field.resolvedType instanceof protobuf.Enum) return field.resolvedType.values[String(value)] === 0;
  return (
    value === 0 || value === '' || value === false || (value instanceof Uint8Array && value.length === 0)
  );
}

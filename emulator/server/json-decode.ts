import protobuf from 'protobufjs';
import { camelCase, fullNameOf, snakeCase } from './schema.ts';
import type { Plain } from './schema.ts';
import { badRequest } from './status.ts';
import type { FieldViolation } from './status.ts';
import { parseDuration, parseTimestamp } from './time-format.ts';

/** Where the JSON came from: Google words an unknown name in a query differently from one in a body. */
export type JsonSource = 'body' | 'query';

/**
 * Reads a message from proto3 JSON: field names in camelCase or snake_case, enums by name or number, numbers as numbers or
 * strings. Faults are collected and thrown as one INVALID_ARGUMENT that names each field, in the words of Google's own front
 * end. (proto3-json-serializer is of no use here: it passes over unknown fields and cannot say where a fault is.)
 */
export function messageFromJson(
  type: protobuf.Type,
  json: unknown,
  options: { source?: JsonSource; path?: string } = {},
): Plain {
  const decoder = new Decoder(options.source ?? 'body');
  const message = decoder.message(type, json, options.path ?? '');
  if (decoder.violations.length > 0) throw badRequest(decoder.violations);
  return message as Plain;
}

/** Enough for any caller to mend its request, and a bound on what a hostile one can have echoed. */
const MAX_VIOLATIONS = 20;
const MAX_ECHO_LENGTH = 200;

class Decoder {
  readonly violations: FieldViolation[] = [];
  readonly source: JsonSource;

  constructor(source: JsonSource) {
    this.source = source;
  }

  /** The value of a field of message type; undefined where it is faulty or holds nothing. */
  message(type: protobuf.Type, json: unknown, path: string): unknown {
    switch (fullNameOf(type)) {
      case 'google.protobuf.Timestamp': {
        const timestamp = typeof json === 'string' ? parseTimestamp(json) : undefined;
        return timestamp ?? this.invalid(path, typeUrl(type), json);
      }
      case 'google.protobuf.Duration': {
        const duration = typeof json === 'string' ? parseDuration(json) : undefined;
        return duration ?? this.invalid(path, typeUrl(type), json);
      }
      case 'google.protobuf.FieldMask':
        if (typeof json !== 'string') return this.invalid(path, typeUrl(type), json);
        return { paths: json.split(',').filter((mask) => mask !== '') };
      case 'google.protobuf.Any':
        // Requests hold one only within output-only fields, such as the status of an attempt that a caller sends back.
        return undefined;
      default:
        return isObject(json) ? this.fields(type, json, path) : this.invalid(path, typeUrl(type), json);
    }
  }

  private fields(type: protobuf.Type, json: Record<string, unknown>, path: string): Plain {
    const message: Plain = {};
    for (const [key, value] of Object.entries(json)) {
      const name = camelCase(key);
      const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
      if (field === undefined) {
        this.unknownName(key, path);
        continue;
      }
      if (value === null) continue;
      const fieldPath = path === '' ? snakeCase(field.name) : `${path}.${snakeCase(field.name)}`;
      this.checkOneof(field, message, path);
      const decoded = this.field(field, value, fieldPath);
      if (decoded !== undefined) message[field.name] = decoded;
    }
    return message;
  }

  private field(field: protobuf.Field, json: unknown, path: string): unknown {
    if (field.map) {
      if (!isObject(json)) return this.invalid(path, 'Map', json);
      return Object.fromEntries(
        Object.entries(json).map(([key, item]) => [key, this.value(field, item, `${path}[${echo(key)}]`)]),
      );
    }
    if (field.repeated) {
      const items = Array.isArray(json) ? json : [json];
      return items.map((item, index) => this.value(field, item, `${path}[${index}]`));
    }
    if (Array.isArray(json)) {
      return this.fault(
        path,
        `Invalid JSON payload received. Unknown name ${echo(field.name)}${at(parentOf(path))}: Proto field is not repeating, cannot start list.`,
      );
    }
    return this.value(field, json, path);
  }

  private value(field: protobuf.Field, json: unknown, path: string): unknown {
    const type = field.resolvedType;
    if (type instanceof protobuf.Type) return this.message(type, json, path);
    const decoded = type instanceof protobuf.Enum ? enumName(type, json) : scalar(field.type, json);
    if (decoded !== undefined) return decoded;
    return this.invalid(
      path,
      type instanceof protobuf.Enum ? typeUrl(type) : `TYPE_${field.type.toUpperCase()}`,
      json,
    );
  }

  private checkOneof(field: protobuf.Field, message: Plain, path: string): void {
    const oneof = field.partOf;
    const other = oneof?.fieldsArray.find(
      (sibling) => sibling !== field && message[sibling.name] !== undefined,
    );
    if (oneof === null || oneof === undefined || other === undefined) return;
    this.fault(
      path,
      `Invalid value${at(path)} (oneof), oneof field '${snakeCase(oneof.name)}' is already set. Cannot set '${field.name}'`,
    );
  }

  private unknownName(name: string, path: string): void {
    const cause =
      this.source === 'body'
        ? 'Cannot find field.'
        : `Cannot bind query parameter. Field ${echo(name).replaceAll('"', "'")} could not be found in request message.`;
    this.fault(path, `Invalid JSON payload received. Unknown name ${echo(name)}${at(path)}: ${cause}`);
  }

  private invalid(path: string, type: string, json: unknown): undefined {
    return this.fault(path, `Invalid value${at(path)} (${type}), ${echo(json)}`);
  }

  private fault(field: string, description: string): undefined {
    if (this.violations.length < MAX_VIOLATIONS) this.violations.push({ field, description });
    return undefined;
  }
}

function enumName(type: protobuf.Enum, json: unknown): string | undefined {
  if (typeof json === 'number' || (typeof json === 'string' && /^-?\d{1,10}$/.test(json))) {
    return type.valuesById[Number(json)];
  }
  return typeof json === 'string' && Object.hasOwn(type.values, json) ? json : undefined;
}

/** A scalar in its plain form; undefined if the JSON value is none of this type. */
function scalar(type: string, json: unknown): unknown {
  switch (type) {
    case 'string':
      return typeof json === 'string' ? json : undefined;
    case 'bool':
      return json === true || json === 'true' ? true : json === false || json === 'false' ? false : undefined;
    case 'bytes':
      return typeof json === 'string' ? bytes(json) : undefined;
    case 'double':
    case 'float':
      return number(json);
    case 'int32':
      return integer(json, -(2 ** 31), 2 ** 31 - 1);
    case 'uint32':
      return integer(json, 0, 2 ** 32 - 1);
    case 'int64':
      return integer(json, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    default:
      // The services served here use no other scalar; one that a later version brings must not be misread.
      return undefined;
  }
}

function number(json: unknown): number | undefined {
  if (typeof json === 'number') return json;
  const isNumeric = typeof json === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(json);
  return isNumeric ? Number(json) : undefined;
}

function integer(json: unknown, min: number, max: number): number | undefined {
  const value = number(json);
  return value !== undefined && Number.isInteger(value) && value >= min && value <= max ? value : undefined;
}

/** Base64 in either alphabet, with or without padding. */
function bytes(text: string): Buffer | undefined {
  const unpadded = text.replace(/={1,2}$/, '');
  const isBase64 = /^[A-Za-z0-9+/_-]*$/.test(unpadded) && unpadded.length % 4 !== 1;
  return isBase64 ? Buffer.from(unpadded, 'base64') : undefined;
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function typeUrl(type: protobuf.Type | protobuf.Enum): string {
  return `type.googleapis.com/${fullNameOf(type)}`;
}

function at(path: string): string {
  return path === '' ? '' : ` at '${path}'`;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('.'), 0));
}

function echo(json: unknown): string {
  const text = JSON.stringify(json) ?? 'null';
  return text.length <= MAX_ECHO_LENGTH ? text : `${text.slice(0, MAX_ECHO_LENGTH)}…`;
}

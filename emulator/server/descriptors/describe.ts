import protobuf from 'protobufjs';
import type { Plain } from '../schema.ts';
import { optionsMessage, unflattened } from './options.ts';
import type { ParsedOption, ProtoFile } from './proto-files.ts';
import type {
  EnumDescriptor,
  FieldDescriptor,
  FileDescriptor,
  MessageDescriptor,
  ServiceDescriptor,
} from './types.ts';

/**
 * Makes of a `.proto` file the `FileDescriptorProto` that protoc makes of it, without comments. (What protobufjs itself offers for this
 * knows no files, and leaves out options, full names and the syntax of each file.)
 */
export function describeFile(file: ProtoFile, root: protobuf.Root): FileDescriptor {
  const describe = new Describer(root);
  const space = root.lookup(file.package) as protobuf.NamespaceBase;
  const declared = file.declared.map((name) => space.get(name)!);
  return {
    name: file.name,
    package: file.package,
    dependency: file.imports,
    message_type: declared.filter(isType).map((type) => describe.type(type)),
    enum_type: declared.filter(isEnum).map((each) => describe.enum(each)),
    service: declared.filter(isService).map((service) => describe.service(service)),
    extension: declared.filter(isField).map((field) => describe.field(field, [])),
    ...describe.options('FileOptions', file.options),
    // That of proto2 is left out, as protoc does.
    ...(file.syntax === 'proto3' && { syntax: 'proto3' }),
  };
}

class Describer {
  readonly #root: protobuf.Root;

  constructor(root: protobuf.Root) {
    this.#root = root;
  }

  type(type: protobuf.Type): MessageDescriptor {
    // What extends the type is declared elsewhere, and stands in it under a full name.
    const fields: protobuf.FieldBase[] = type.fieldsArray.filter(({ name }) => !name.startsWith('.'));
    // Those that protoc makes up for `optional` fields come last.
    const oneofs = [
      ...type.oneofsArray.filter((oneof) => !isMadeUp(oneof)),
      ...type.oneofsArray.filter(isMadeUp),
    ];
    const reserved = type.reserved ?? [];
    return {
      name: type.name,
      field: fields.map((field) => this.field(field, oneofs)),
      extension: type.nestedArray.filter(isField).map((field) => this.field(field, [])),
      nested_type: [
        ...fields.filter(isMap).map((field) => this.#mapEntry(field)),
        ...type.nestedArray.filter(isType).map((nested) => this.type(nested)),
      ],
      enum_type: type.nestedArray.filter(isEnum).map((each) => this.enum(each)),
      extension_range: ((type.extensions ?? []) as [number, number][]).map(([start, end]) => ({
        start,
        end: end + 1,
      })),
      oneof_decl: oneofs.map(({ name }) => ({ name })),
      ...this.options('MessageOptions', parsedOptions(type)),
      reserved_range: reserved.filter(isRange).map(([start, end]) => ({ start, end: end + 1 })),
      reserved_name: reserved.filter((each) => typeof each === 'string'),
    };
  }

  field(field: protobuf.FieldBase, oneofs: readonly protobuf.OneOf[]): FieldDescriptor {
    const oneofIndex = field.partOf === null ? -1 : oneofs.indexOf(field.partOf);
    const defaultValue = field.options?.['default'] as string | number | boolean | undefined;
    return {
      name: field.name,
      number: field.id,
      label: labelOf(field),
      ...(isMap(field)
        ? { type: 'TYPE_MESSAGE', type_name: `${field.parent?.fullName ?? ''}.${entryName(field)}` }
        : valueType(field)),
      ...(field.extend !== undefined && { extendee: extendeeOf(field) }),
      ...(defaultValue !== undefined && { default_value: String(defaultValue) }),
      ...(oneofIndex >= 0 && { oneof_index: oneofIndex }),
      json_name: jsonName(field.name),
      ...this.options('FieldOptions', parsedOptions(field)),
      ...(isOptional(field) && { proto3_optional: true }),
    };
  }

  enum(each: protobuf.Enum): EnumDescriptor {
    return {
      name: each.name,
      value: Object.entries(each.values).map(([name, number]) => ({
        name,
        number,
        ...this.options('EnumValueOptions', unflattened(each.valuesOptions?.[name])),
      })),
      ...this.options('EnumOptions', parsedOptions(each)),
      // Other than that of a message, this range holds its end.
      reserved_range: (each.reserved ?? []).filter(isRange).map(([start, end]) => ({ start, end })),
      reserved_name: (each.reserved ?? []).filter((name) => typeof name === 'string'),
    };
  }

  service(service: protobuf.Service): ServiceDescriptor {
    return {
      name: service.name,
      method: service.methodsArray.map((rpc) => ({
        name: rpc.name,
        input_type: rpc.resolvedRequestType!.fullName,
        output_type: rpc.resolvedResponseType!.fullName,
        ...this.options('MethodOptions', parsedOptions(rpc)),
        ...(rpc.requestStream && { client_streaming: true }),
        ...(rpc.responseStream && { server_streaming: true }),
      })),
      ...this.options('ServiceOptions', parsedOptions(service)),
    };
  }

  options(message: string, parsed: readonly ParsedOption[]): { options?: Plain } {
    const options = optionsMessage(this.#root.lookupType(`google.protobuf.${message}`), parsed);
    return options === undefined ? {} : { options };
  }

  /** A map is a list of entries, of a type that protoc makes up. */
  #mapEntry(field: protobuf.MapField): MessageDescriptor {
    const entry = (name: string, number: number, type: ValueType): FieldDescriptor => ({
      name,
      number,
      label: 'LABEL_OPTIONAL',
      ...type,
      json_name: name,
    });
    return {
      name: entryName(field),
      field: [entry('key', 1, { type: scalar(field.keyType) }), entry('value', 2, valueType(field))],
      extension: [],
      nested_type: [],
      enum_type: [],
      extension_range: [],
      oneof_decl: [],
      options: { map_entry: true },
      reserved_range: [],
      reserved_name: [],
    };
  }
}

type ValueType = Pick<FieldDescriptor, 'type' | 'type_name'>;

function valueType(field: protobuf.FieldBase): ValueType {
  const { resolvedType, type } = field;
  if (resolvedType === null) return { type: scalar(type) };
  const kind = resolvedType instanceof protobuf.Enum ? 'TYPE_ENUM' : 'TYPE_MESSAGE';
  return { type: kind, type_name: resolvedType.fullName };
}

function extendeeOf({ extensionField }: protobuf.FieldBase): string {
  return extensionField!.parent!.fullName;
}

function labelOf(field: protobuf.FieldBase): FieldDescriptor['label'] {
  if (field.repeated || isMap(field)) return 'LABEL_REPEATED';
  return isField(field) && field.required ? 'LABEL_REQUIRED' : 'LABEL_OPTIONAL';
}

function scalar(type: string): string {
  return `TYPE_${type.toUpperCase()}`;
}

function entryName({ name }: protobuf.MapField): string {
  const camel = jsonName(name);
  return `${camel.charAt(0).toUpperCase()}${camel.slice(1)}Entry`;
}

function jsonName(name: string): string {
  return name.replaceAll(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}

function isOptional(field: protobuf.FieldBase): boolean {
  return field.options?.['proto3_optional'] === true;
}

function isMadeUp({ fieldsArray: [first, second] }: protobuf.OneOf): boolean {
  return first !== undefined && second === undefined && isOptional(first);
}

function parsedOptions(object: protobuf.ReflectionObject): readonly ParsedOption[] {
  return (object.parsedOptions ?? []) as unknown as readonly ParsedOption[];
}

function isRange(reserved: number[] | string): reserved is [number, number] {
  return typeof reserved !== 'string';
}

const isType = (object: protobuf.ReflectionObject): object is protobuf.Type =>
  object instanceof protobuf.Type;
const isEnum = (object: protobuf.ReflectionObject): object is protobuf.Enum =>
  object instanceof protobuf.Enum;
const isField = (object: protobuf.ReflectionObject): object is protobuf.Field =>
  object instanceof protobuf.Field;
const isMap = (object: protobuf.ReflectionObject): object is protobuf.MapField =>
  object instanceof protobuf.MapField;
const isService = (object: protobuf.ReflectionObject): object is protobuf.Service =>
  object instanceof protobuf.Service;

import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import type { DescField, FileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { FileIndex } from '../../../../emulator/server/descriptors/file-index.ts';
import {
  camelCase,
  cloudTasksV2Beta2Service,
  cloudTasksV2Beta3Service,
  cloudTasksV2Service,
  fullNameOf,
  locationsService,
  operationsService,
} from '../../../../emulator/server/schema.ts';

function registryOf(index: FileIndex, name: string): FileRegistry {
  const found = [...index.closure(name, new Set())!.values()].map((bytes) =>
    fromBinary(FileDescriptorProtoSchema, bytes),
  );
  const byName = new Map(found.map((file) => [file.name, file]));
  const file = new Set<(typeof found)[number]>();
  const add = (each: (typeof found)[number] | undefined): void => {
    if (each === undefined || file.has(each)) return;
    for (const imported of each.dependency) add(byName.get(imported));
    file.add(each);
  };
  for (const each of found) add(each);
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [...file] }));
}

/** The messages that a service speaks, with all that stand in them. */
function messagesOf(service: protobuf.Service): ReadonlySet<protobuf.Type> {
  const found = new Set<protobuf.Type>();
  const add = (type: protobuf.ReflectionObject | null): void => {
    if (!(type instanceof protobuf.Type) || found.has(type)) return;
    found.add(type);
    for (const field of type.fieldsArray) add(field.resolve().resolvedType);
  };
  for (const rpc of service.methodsArray) {
    add(rpc.resolvedRequestType);
    add(rpc.resolvedResponseType);
  }
  return found;
}

const SCALARS: Readonly<Record<number, string>> = {
  1: 'double',
  3: 'int64',
  5: 'int32',
  8: 'bool',
  9: 'string',
  12: 'bytes',
};

function typeOf(field: DescField): string {
  const { message, enum: each, scalar } = field;
  return message?.typeName ?? each?.typeName ?? SCALARS[scalar ?? 0] ?? 'map';
}

const FILES = [
  'google/cloud/tasks/v2/cloudtasks.proto',
  'google/cloud/tasks/v2beta2/cloudtasks.proto',
  'google/cloud/tasks/v2beta3/cloudtasks.proto',
  'google/cloud/location/locations.proto',
  'google/longrunning/operations.proto',
];

// What is served comes from protos.json, what is described from the .proto files beside it: they must be the same.
test.each([
  [cloudTasksV2Service, FILES[0]!],
  [cloudTasksV2Beta2Service, FILES[1]!],
  [cloudTasksV2Beta3Service, FILES[2]!],
  [locationsService, FILES[3]!],
  [operationsService, FILES[4]!],
])('%s is described as it is served', (service, file) => {
  const registry = registryOf(new FileIndex(FILES, new Map()), file);
  const described = registry.getService(fullNameOf(service))!;
  expect(described.methods.map((rpc) => [rpc.name, rpc.input.typeName, rpc.output.typeName])).toEqual(
    service.methodsArray.map((rpc) => [
      rpc.name,
      fullNameOf(rpc.resolvedRequestType!),
      fullNameOf(rpc.resolvedResponseType!),
    ]),
  );
  for (const type of messagesOf(service)) {
    const message = registry.getMessage(fullNameOf(type));
    const fields = message?.fields.map((field) => [
      field.jsonName,
      field.number,
      field.fieldKind === 'map' ? 'map' : typeOf(field),
    ]);
    const served = type.fieldsArray.map((field) => [
      camelCase(field.name),
      field.id,
      field.map ? 'map' : field.resolvedType === null ? field.type : fullNameOf(field.resolvedType),
    ]);
    const byNumber = (a: unknown[], b: unknown[]): number => Number(a[1]) - Number(b[1]);
    expect(fields?.toSorted(byNumber), fullNameOf(type)).toEqual(served.toSorted(byNumber));
  }
});

test('proto2, oneofs, optional fields, maps, defaults, ranges and extensions are described as protoc does', () => {
  const text = `
    syntax = "proto2";
    package own.test;
    import "google/protobuf/descriptor.proto";
    message Outer {
      reserved 4, 8 to 9;
      reserved "old";
      extensions 100 to max;
      required string needed = 1;
      optional Mood mood = 2 [default = GOOD, deprecated = true];
      map<string, Outer.Inner> by_some_key = 3;
      oneof either { int32 a_b = 5; Inner inner = 6; }
      enum Mood { option allow_alias = true; GOOD = 1; FINE = 1 [deprecated = true]; }
      message Inner { extend google.protobuf.FieldOptions { optional bool inside = 50002; } }
    }
    extend google.protobuf.FieldOptions { repeated string note = 50001; }
    message Noted { optional string text = 1 [(own.test.note) = "a", (own.test.note) = "b", (own.test.Outer.Inner.inside) = true]; }
  `;
  const index = new FileIndex([], new Map([['own/test.proto', text]]));
  const registry = registryOf(index, 'own/test.proto');
  const outer = registry.getMessage('own.test.Outer')!;
  expect(outer.file.edition).toBe(998);
  expect(outer.proto).toMatchObject({
    extensionRange: [{ start: 100, end: 536_870_912 }],
    reservedRange: [
      { start: 4, end: 5 },
      { start: 8, end: 10 },
    ],
    reservedName: ['old'],
    nestedType: [{ name: 'BySomeKeyEntry', options: { mapEntry: true } }, { name: 'Inner' }],
    oneofDecl: [{ name: 'either' }],
  });
  expect(outer.field['mood']?.proto).toMatchObject({ defaultValue: 'GOOD', options: { deprecated: true } });
  expect(outer.field['aB']).toMatchObject({ jsonName: 'aB', oneof: { name: 'either' } });
  expect(outer.nestedEnums[0]?.proto).toMatchObject({
    options: { allowAlias: true },
    value: [
      { name: 'GOOD', number: 1 },
      { name: 'FINE', number: 1, options: { deprecated: true } },
    ],
  });
  expect(index.extensionNumbers('google.protobuf.FieldOptions')).toEqual([50_001, 50_002]);
  expect(index.fileOfSymbol('own.test.Outer.Inner')).toBe('own/test.proto');
  expect(index.fileOfSymbol('own.test.Outer.GOOD')).toBe('own/test.proto');
});

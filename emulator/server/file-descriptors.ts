import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import type { IFileDescriptorProto } from 'protobufjs/ext/descriptor/index.js';
import { fullNameOf } from './schema.ts';

/** `FileDescriptorProto`s made from loaded schemas, which no longer know their files: one for each package. */
export class FileDescriptorIndex {
  readonly #files = new Map<string, Uint8Array>();
  readonly #fileOfSymbol = new Map<string, string>();

  /** Where two roots hold the same package, that of the first counts. */
  constructor(roots: readonly protobuf.Root[]) {
    for (const root of new Set(roots)) {
      const set = root.toDescriptor('proto3') as unknown as { file: IFileDescriptorProto[] };
      for (const file of set.file) {
        const name = file.name!;
        if (this.#files.has(name)) continue;
        const namespace = root.lookup(file.package ?? '') as protobuf.NamespaceBase | null;
        if (namespace === null) continue;
        const uses = new Set<string>();
        this.#visit(namespace, name, uses);
        uses.delete(name);
        const whole = { ...file, syntax: 'proto3', dependency: [...uses] };
        this.#files.set(name, descriptor.FileDescriptorProto.encode(whole).finish());
      }
    }
  }

  byName(name: string): Uint8Array | undefined {
    return this.#files.get(name);
  }

  bySymbol(symbol: string): Uint8Array | undefined {
    return this.#files.get(this.#fileOfSymbol.get(symbol) ?? '');
  }

  #visit(namespace: protobuf.NamespaceBase, file: string, uses: Set<string>): void {
    const use = (object: protobuf.ReflectionObject | null): void => {
      if (object !== null) uses.add(fileOf(object));
    };
    for (const object of namespace.nestedArray) {
      if (isPackage(object)) continue;
      this.#fileOfSymbol.set(fullNameOf(object), file);
      if (object instanceof protobuf.Field) use(object.resolvedType);
      if (object instanceof protobuf.Type) {
        for (const field of object.fieldsArray) use(field.resolvedType);
        this.#visit(object, file, uses);
      }
      if (object instanceof protobuf.Service) {
        for (const rpc of object.methodsArray) {
          this.#fileOfSymbol.set(`${fullNameOf(object)}.${rpc.name}`, file);
          use(rpc.resolvedRequestType);
          use(rpc.resolvedResponseType);
        }
      }
    }
  }
}

function isPackage(object: protobuf.ReflectionObject): boolean {
  return (
    object instanceof protobuf.Namespace &&
    !(object instanceof protobuf.Type) &&
    !(object instanceof protobuf.Service)
  );
}

function fileOf(object: protobuf.ReflectionObject): string {
  let owner = object;
  while (owner.parent !== null && !isPackage(owner)) owner = owner.parent;
  return `${fullNameOf(owner).replaceAll('.', '_')}.proto`;
}

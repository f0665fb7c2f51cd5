import { encodeMessage } from '../schema.ts';
import { addLaterDescriptors } from '../later-methods.ts';
import { describeFile } from './describe.ts';
import { readProtoFiles } from './proto-files.ts';
import type { EnumDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor, Named } from './types.ts';

interface IndexedFile {
  readonly bytes: Uint8Array;
  readonly dependencies: readonly string[];
}

/** Finds the descriptors of `.proto` files by name, by what they declare, and by what they extend. */
export class FileIndex {
  readonly #files = new Map<string, IndexedFile>();
  readonly #fileOfSymbol = new Map<string, string>();
  /** File by number, by the full name of what is extended. */
  readonly #extensions = new Map<string, Map<number, string>>();

  /** @param own Texts of our own, by file name; all others come with Google's client. */
  constructor(names: readonly string[], own: ReadonlyMap<string, string>) {
    const { files, root } = readProtoFiles([...names, ...own.keys()], own);
    const described = new Map(files.map((file) => [file.name, describeFile(file, root)]));
    addLaterDescriptors(described);
    const type = root.lookupType('google.protobuf.FileDescriptorProto');
    for (const file of described.values()) {
      this.#files.set(file.name, { bytes: encodeMessage(type, { ...file }), dependencies: file.dependency });
      this.#indexFile(file);
    }
  }

  fileOfSymbol(symbol: string): string | undefined {
    return this.#fileOfSymbol.get(symbol.replace(/^\./, ''));
  }

  fileOfExtension(type: string, number: number): string | undefined {
    return this.#extensions.get(type)?.get(number);
  }

  /** In ascending order; undefined for a type that is not known. */
  extensionNumbers(type: string): readonly number[] | undefined {
    const numbers = this.#extensions.get(type)?.keys();
    if (numbers === undefined) return this.#fileOfSymbol.has(type) ? [] : undefined;
    return [...numbers].toSorted((a, b) => a - b);
  }

  /** The file, and those that it needs, but for those that `isKnown` names; undefined if there is no such file. */
  closure(name: string, known: ReadonlySet<string>): ReadonlyMap<string, Uint8Array> | undefined {
    const file = this.#files.get(name);
    if (file === undefined) return undefined;
    const found = new Map<string, Uint8Array>([[name, file.bytes]]);
    const visit = ({ dependencies }: IndexedFile): void => {
      for (const dependency of dependencies) {
        const next = this.#files.get(dependency);
        if (next === undefined || found.has(dependency) || known.has(dependency)) continue;
        found.set(dependency, next.bytes);
        visit(next);
      }
    };
    visit(file);
    return found;
  }

  #indexFile(file: FileDescriptor): void {
    const add = (scope: string, { name }: Named): string => {
      const full = scope === '' ? name : `${scope}.${name}`;
      this.#fileOfSymbol.set(full, file.name);
      return full;
    };
    const addEnum = (scope: string, each: EnumDescriptor): void => {
      add(scope, each);
      // The values of an enum are its neighbours, not its members.
      for (const value of each.value) add(scope, value);
    };
    const addMessage = (scope: string, message: MessageDescriptor): void => {
      const full = add(scope, message);
      for (const part of [...message.field, ...message.oneof_decl, ...message.extension]) add(full, part);
      for (const each of message.enum_type) addEnum(full, each);
      for (const nested of message.nested_type) addMessage(full, nested);
      this.#indexExtensions(file.name, message.extension);
    };
    for (const message of file.message_type) addMessage(file.package, message);
    for (const each of file.enum_type) addEnum(file.package, each);
    for (const service of file.service) {
      const full = add(file.package, service);
      for (const method of service.method) add(full, method);
    }
    for (const extension of file.extension) add(file.package, extension);
    this.#indexExtensions(file.name, file.extension);
  }

  #indexExtensions(fileName: string, extensions: readonly FieldDescriptor[]): void {
    for (const { extendee = '', number } of extensions) {
      const type = extendee.replace(/^\./, '');
      const numbers = this.#extensions.get(type) ?? new Map<number, string>();
      this.#extensions.set(type, numbers.set(number, fileName));
    }
  }
}

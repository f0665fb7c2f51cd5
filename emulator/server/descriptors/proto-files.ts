import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { PROTO_FOLDERS } from '../schema.ts';

/** The value of an option as it stands in the text: `{ "(google.api.http)": { "get": "…" } }`. */
export type ParsedOption = Readonly<Record<string, unknown>>;

/** What a `.proto` file says of itself, and what it declares. */
export interface ProtoFile {
  /** As others import it, for instance `google/api/http.proto`. */
  readonly name: string;
  readonly syntax: 'proto2' | 'proto3';
  readonly package: string;
  readonly imports: readonly string[];
  readonly options: readonly ParsedOption[];
  /** Names of the messages, enums, services and extensions at its top, in their order. */
  readonly declared: readonly string[];
}

/** `.proto` files with all that they import, and the names in them resolved. */
export interface ProtoFiles {
  readonly files: readonly ProtoFile[];
  /** All of them together. Names are as in the text: `snake_case`. */
  readonly root: protobuf.Root;
}

const AS_WRITTEN: protobuf.IParseOptions = { keepCase: true };

/**
 * Reads `.proto` files with all that they import, imports first: from `own`, else from the folders that come with Google's client.
 *
 * @param own Texts of our own, by file name.
 */
export function readProtoFiles(names: readonly string[], own: ReadonlyMap<string, string>): ProtoFiles {
  const files = new Map<string, ProtoFile>();
  const root = new protobuf.Root();
  const started = new Set<string>();
  const read = (name: string): void => {
    if (started.has(name)) return;
    started.add(name);
    const text = own.get(name) ?? readFileSync(pathOf(name), 'utf8');
    const file = describe(name, text);
    for (const imported of file.imports) read(imported);
    files.set(name, file);
    protobuf.parse(text, root, AS_WRITTEN);
  };
  for (const name of names) read(name);
  root.resolveAll();
  return { files: [...files.values()], root };
}

function describe(name: string, text: string): ProtoFile {
  // By itself, because files of one package share what is said of the package.
  const parsed = protobuf.parse(text, new protobuf.Root(), AS_WRITTEN);
  const packageName = parsed.package ?? '';
  const space = parsed.root.lookup(packageName) as protobuf.NamespaceBase;
  return {
    name,
    syntax: /^\s*syntax\s*=\s*["']proto3["']/m.test(text) ? 'proto3' : 'proto2',
    package: packageName,
    imports: parsed.imports ?? [],
    options: (space.parsedOptions ?? []) as unknown as readonly ParsedOption[],
    declared: space.nestedArray.map((object) => object.name),
  };
}

function pathOf(name: string): string {
  const path = PROTO_FOLDERS.map((folder) => join(folder, name)).find(existsSync);
  if (path === undefined) throw new Error(`${name} is in none of ${PROTO_FOLDERS.join(', ')}.`);
  return path;
}

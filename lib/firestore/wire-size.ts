import {
  DocumentReference,
  FieldValue,
  GeoPoint,
  Timestamp,
  type DocumentData,
} from '@google-cloud/firestore';
import type { Write } from '../core/write.ts';

/**
 * The bytes that a write has on its way to Firestore: exactly those of a `set`, `create` or `delete` of plain data, at least those of
 * anything else. Counted no further than until there is no room: a value may hold itself, many times.
 */
export function wireSize(write: Write, room: number): number {
  const name = nameLength(write.ref);
  if (write.kind === 'delete') return delimited(delimited(name));
  const data: unknown = write.kind === 'update' ? write.data : converted(write);
  // Left for the client to refuse.
  if (!isMap(data)) return 0;
  const counter = new Counter(room, write.kind === 'update' || 'options' in write);
  const fields = write.kind === 'update' ? counter.updates(data) : counter.fields(data, 0, 0);
  const document = delimited(delimited(name) + fields);
  // That the document is not there, or that it is; or when it was last written, which is all that an update of ours asks for.
  const precondition = { set: 0, create: 4, update: 24 }[write.kind];
  return delimited(document + counter.beside + precondition);
}

/** Bytes of a message's field that has a length, where its number is below 16. */
function delimited(length: number): number {
  return 1 + varint(length) + length;
}

/** Bytes of a whole number from 0 on. */
function varint(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest /= 0x80) bytes += 1;
  return bytes;
}

/** Firestore takes no maps deeper than 20; deeper ones are left for the client to refuse. */
const deepest = 20;

/** A timestamp, a point, or what is beside the values of something else that only the client knows the form of. */
const sizeOfOther = 20;

class Counter {
  /** What the write has beside its document: names of fields, and values that the server is to compute. */
  beside: number;
  readonly #room: number;
  readonly #isMasked: boolean;

  /** @param isMasked whether each field that is written is named once more */
  constructor(room: number, isMasked: boolean) {
    this.#room = room;
    this.#isMasked = isMasked;
    // What is around all the names.
    this.beside = isMasked ? 6 : 0;
  }

  /** Of a map: its entries. `path` is how long the path to it is. */
  fields(map: Readonly<Record<string, unknown>>, path: number, depth: number): number {
    let size = 0;
    for (const [key, value] of Object.entries(map)) {
      // The client may be set to leave these out.
      if (value !== undefined) size += this.#entry(key, value, path, depth);
      if (size + this.beside > this.#room) break;
    }
    return size;
  }

  /** The same of what an update gives by paths: a map around it for each step. */
  updates(map: Readonly<Record<string, unknown>>): number {
    const steps = Object.keys(map).reduce((all, key) => all + key.split('.').length - 1, 0);
    return this.fields(map, 0, 0) + steps * sizeOfStep;
  }

  #entry(key: string, value: unknown, path: number, depth: number): number {
    const bytes = Buffer.byteLength(key);
    const own = this.#isMasked || value instanceof FieldValue ? path + 1 + quoted(key, bytes) : 0;
    if (value instanceof FieldValue) {
      this.beside += 2 * delimited(own) + this.#other(value, depth);
      return 0;
    }
    const isLeaf = !isMap(value) || isEmpty(value);
    if (this.#isMasked && isLeaf && depth <= deepest) this.beside += delimited(own);
    return delimited(delimited(bytes) + delimited(this.#value(value, own, depth)));
  }

  #value(value: unknown, path: number, depth: number): number {
    switch (typeof value) {
      case 'string':
        return 1 + delimited(Buffer.byteLength(value));
      case 'boolean':
        return 2;
      case 'number':
        return numberSize(value);
      case 'object':
        return value === null ? 2 : this.#object(value, path, depth + 1);
      case 'bigint':
        return 11;
      case 'undefined':
      case 'function':
      case 'symbol':
        // Left for the client to refuse.
        return 0;
    }
  }

  #object(value: object, path: number, depth: number): number {
    if (value instanceof Uint8Array) return 1 + delimited(value.byteLength);
    if (value instanceof DocumentReference) return delimited(nameLength(value));
    if (depth > deepest || isInstant(value) || value instanceof GeoPoint) return sizeOfOther;
    if (Array.isArray(value)) return delimited(this.#members(value, depth));
    if (isMap(value)) return delimited(this.fields(value, path, depth));
    return this.#other(value, depth);
  }

  #members(values: readonly unknown[], depth: number): number {
    let size = 0;
    for (const value of values) {
      size += delimited(this.#value(value, 0, depth));
      if (size + this.beside > this.#room) break;
    }
    return size;
  }

  /** A vector, or what the server is to compute: what it holds, each with more around it than any of them has. */
  #other(value: object, depth: number): number {
    if (depth > deepest) return sizeOfOther;
    return 5 * sizeOfOther + this.#members(Object.values(value), depth + 1);
  }
}

/** The most that a map of one entry has besides its key. */
const sizeOfStep = 24;

function numberSize(value: number): number {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return 9;
  return value < 0 ? 11 : 1 + varint(value);
}

function isInstant(value: object): boolean {
  return value instanceof Timestamp || value instanceof Date;
}

/** Rather than a timestamp, a reference or another object of the client's. */
function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isEmpty(map: object): boolean {
  return Object.keys(map).length === 0;
}

/** How long the name of a field is where it is part of a path. */
function quoted(key: string, bytes: number): number {
  if (/^[a-z_]\w*$/i.test(key)) return bytes;
  return bytes + 2 + (key.match(/[`\\]/g)?.length ?? 0);
}

/** What the client keeps of a reference without saying so in its types. */
interface Inner {
  readonly formattedName?: string;
  readonly _converter?: { toFirestore(data: unknown, options?: unknown): DocumentData };
}

function nameLength(ref: DocumentReference): number {
  const { formattedName } = ref as unknown as Inner;
  return Buffer.byteLength(formattedName ?? ref.path) + (formattedName === undefined ? longestDatabase : 0);
}

/** `projects/…/databases/…/documents/`, with the longest names that there are. */
const longestDatabase = 200;

/** What is written of what a converter was given. */
function converted({ ref, data, ...rest }: Extract<Write, { kind: 'set' | 'create' }>): DocumentData {
  const { _converter: converter } = ref as unknown as Inner;
  if (converter === undefined) return data;
  return 'options' in rest ? converter.toFirestore(data, rest.options) : converter.toFirestore(data);
}

import { getHeapStatistics } from 'node:v8';
import type { DocumentSnapshot } from '@google-cloud/firestore';

/**
 * A page may take a quarter of what Node gives this process, which goes by the memory of its container: handlers copy, and are not alone.
 */
const mostBytes = getHeapStatistics().heap_size_limit / 4;

/**
 * What the client has for a field, an entry or an element, besides its text or bytes. Measured with pages of numbers (docs/failures.md).
 */
const bytesOfValue = 240;

/** How many documents such as these a page may have. Undefined where that cannot be told. */
export function mostSuchDocuments(
  documents: readonly DocumentSnapshot[],
  most: number = mostBytes,
): number | undefined {
  let bytes = 0;
  for (const document of documents) {
    // Their values cost a copy, or the user's converter, to be had in another way.
    const { _fieldsProto: fields } = document as {
      readonly _fieldsProto?: Readonly<Record<string, WireValue>>;
    };
    if (fields === undefined) return undefined;
    bytes += bytesOfMap(fields);
  }
  return bytes === 0 ? undefined : Math.floor((most * documents.length) / bytes);
}

/** What the client made of a value that it has received. */
interface WireValue {
  readonly stringValue?: string;
  readonly bytesValue?: Uint8Array;
  readonly arrayValue?: { readonly values?: readonly WireValue[] };
  readonly mapValue?: { readonly fields?: Readonly<Record<string, WireValue>> };
}

function bytesOfMap(fields: Readonly<Record<string, WireValue>>): number {
  let bytes = 0;
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) bytes += bytesOf(value);
  }
  return bytes;
}

/** As deep as Firestore lets documents be. */
function bytesOf({ stringValue, bytesValue, arrayValue, mapValue }: WireValue): number {
  // As it came, in part, and as it is.
  if (stringValue !== undefined) return bytesOfValue + 2 * stringValue.length;
  if (bytesValue !== undefined) return bytesOfValue + 2 * bytesValue.length;
  if (mapValue !== undefined) return bytesOfValue + bytesOfMap(mapValue.fields ?? {});
  const values = arrayValue?.values ?? [];
  return values.reduce((sum, value) => sum + bytesOf(value), bytesOfValue);
}

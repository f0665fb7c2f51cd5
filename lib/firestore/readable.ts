import { DocumentReference, GeoPoint, Timestamp } from '@google-cloud/firestore';
import type { Json } from '../core/parameters.ts';

/** A value of a document in a form that JSON can carry and people can read. Not every value can be had back from it. */
export function readable(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (value instanceof Timestamp) return value.toDate().toISOString();
  if (value instanceof DocumentReference) return value.path;
  if (value instanceof GeoPoint) return [value.latitude, value.longitude];
  if (Buffer.isBuffer(value)) return value.toString('base64');
  return JSON.parse(JSON.stringify(value) ?? 'null') as Json;
}

import { FieldValue, type DocumentData, type UpdateData, type WriteBatch } from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import type { Run, Shard } from '../core/run.ts';
import type { Write } from '../core/write.ts';

/**
 * The update that makes a record's document that of its next form: fields that it does not have any more are deleted, and those that are
 * the same are left out, so that a change of many shards does not carry the state of each.
 *
 * @param data the document of the next form
 */
export function replacing<T extends Run | Shard>(
  before: T,
  after: T,
  data: DocumentData,
): UpdateData<DocumentData> {
  const isSame = (field: string): boolean =>
    field !== 'state' && field in after && before[field as keyof T] === after[field as keyof T];
  const changed = Object.entries(data).filter(([field]) => !isSame(field));
  const gone = Object.keys(before).filter((field) => field !== 'id' && !(field in data));
  return Object.fromEntries([...changed, ...gone.map((field) => [field, FieldValue.delete()] as const)]);
}

export function add(batch: WriteBatch, write: Write): void {
  switch (write.kind) {
    case 'set':
      if (write.options === undefined) batch.set(write.ref, write.data);
      else batch.set(write.ref, write.data, write.options);
      return;
    case 'update':
      batch.update(write.ref, write.data);
      return;
    case 'create':
      batch.create(write.ref, write.data);
      return;
    case 'delete':
      batch.delete(write.ref);
  }
}

export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

/** Whether nothing of a commit took effect because of what was written since, or because one of its own writes does not fit. */
export function isRefusal(error: unknown): boolean {
  const code = codeOf(error);
  return [status.FAILED_PRECONDITION, status.ALREADY_EXISTS, status.NOT_FOUND, status.ABORTED].some(
    (refusal) => refusal === code,
  );
}

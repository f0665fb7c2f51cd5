import { FieldValue, type DocumentData, type UpdateData, type WriteBatch } from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import type { Run, Shard } from '../core/run.ts';
import type { Write } from '../core/write.ts';

/** The update that leaves a record in its new form: fields that it does not have any more are deleted. */
export function replacing(before: Run | Shard, data: DocumentData): UpdateData<DocumentData> {
  const gone = Object.keys(before).filter((field) => field !== 'id' && !(field in data));
  return { ...data, ...Object.fromEntries(gone.map((field) => [field, FieldValue.delete()])) };
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

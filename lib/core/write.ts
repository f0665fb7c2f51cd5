import type { DocumentData, DocumentReference, SetOptions, UpdateData } from '@google-cloud/firestore';

/** A write that a handler asked for, to be made in its turn's commit. */
export type Write =
  | {
      readonly kind: 'set';
      readonly ref: DocumentReference;
      readonly data: DocumentData;
      readonly options?: SetOptions;
    }
  | { readonly kind: 'update'; readonly ref: DocumentReference; readonly data: UpdateData<DocumentData> }
  | { readonly kind: 'create'; readonly ref: DocumentReference; readonly data: DocumentData }
  | { readonly kind: 'delete'; readonly ref: DocumentReference };

import type { Json } from './parameters.ts';

/** Where the next page starts: just after this document. */
export interface Cursor {
  /** The document's path, which is the last of the order-by values. */
  readonly path: string;
  /** The values of the other order-by fields, as the database gave them. */
  readonly values: readonly unknown[];
  /** The same for people, in the queue and in logs: the values in order, the path last. */
  readonly readable: Json;
}

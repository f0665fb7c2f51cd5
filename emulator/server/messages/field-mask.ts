import type { protos } from '@google-cloud/tasks';
import { snakeCase } from '../schema.ts';

/**
 * The paths of a mask in snake_case: gcloud writes them in camelCase and the client libraries as in the proto. Undefined stands
 * for all fields, which is what no mask, an empty one and `*` mean.
 */
export function maskPathsFromProto(
  mask: protos.google.protobuf.IFieldMask | null | undefined,
): string[] | undefined {
  const paths = mask?.paths ?? [];
  return paths.length === 0 || paths.includes('*') ? undefined : paths.map(snakeCase);
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import type { Firestore, WriteBatch } from '@google-cloud/firestore';
import protobuf from 'protobufjs';

// Not among the package's exports.
const client = createRequire(import.meta.url).resolve('@google-cloud/firestore/package.json');
const protos = readFileSync(join(client, '../build/protos/v1.json'), 'utf8');
const request = protobuf.Root.fromJSON(JSON.parse(protos) as protobuf.INamespace).lookupType(
  'google.firestore.v1.CommitRequest',
);

/** The bytes of the very request that the client would send for a batch. */
export function wireBytes(db: Firestore, batch: WriteBatch): number {
  const { _ops: operations } = batch as unknown as { _ops: { op(): object }[] };
  const { formattedName: database } = db as unknown as { formattedName: string };
  const message = request.fromObject({ database, writes: operations.map((operation) => operation.op()) });
  return request.encode(message).finish().length;
}

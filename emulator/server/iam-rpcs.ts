import type { protos } from '@google-cloud/tasks';
import type { IamPolicy } from '../core/model.ts';
import type { Engine } from '../engine/engine.ts';
import type { Rpc } from './rpc.ts';
import type { Plain } from './schema.ts';

type Iam = typeof protos.google.iam.v1;
type GetRequest = InstanceType<Iam['GetIamPolicyRequest']>;
type SetRequest = protos.google.iam.v1.ISetIamPolicyRequest;
type TestRequest = protos.google.iam.v1.ITestIamPermissionsRequest;

/** The three IAM methods, which are the same in every version. */
export function iamRpcs({ policies }: Engine): Record<string, Rpc> {
  return {
    GetIamPolicy: (request) => policyToProto(policies.get((request as unknown as GetRequest).resource ?? '')),
    SetIamPolicy: (request) => {
      const { resource, policy } = request as SetRequest;
      const etag = policy?.etag ? Buffer.from(policy.etag as Uint8Array).toString('base64') : undefined;
      const bindings = (policy?.bindings ?? []).map(({ role, members }) => ({
        role: role ?? '',
        members: members ?? [],
      }));
      return policyToProto(
        policies.set(resource ?? '', { version: policy?.version ?? 0, bindings, etag: etag || undefined }),
      );
    },
    TestIamPermissions: (request) => {
      const { resource, permissions } = request as TestRequest;
      return { permissions: policies.test(resource ?? '', permissions ?? []) };
    },
  };
}

function policyToProto({ version, bindings, etag }: IamPolicy): Plain {
  return {
    version,
    bindings: bindings.map((binding) => ({ ...binding })),
    etag: Buffer.from(etag, 'base64'),
  };
}

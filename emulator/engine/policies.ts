import { createHash } from 'node:crypto';
import { ApiError } from '../core/errors.ts';
import { invalidField } from '../core/faults.ts';
import type { IamBinding, IamPolicy } from '../core/model.ts';
import { parseQueueName } from '../core/names.ts';
import type { QueueOperations } from './queues.ts';

/** What a caller says of a policy. An etag that is given must be the current one. */
export interface PolicyInput {
  readonly version: number;
  readonly bindings: readonly IamBinding[];
  readonly etag: string | undefined;
}

const NO_POLICY: IamPolicy = policyOf({ version: 0, bindings: [] });

/** The access policies of queues. They are kept, and nobody is asked for them: whoever reaches the emulator may do all. */
export class PolicyOperations {
  readonly #queues: QueueOperations;

  constructor(queues: QueueOperations) {
    this.#queues = queues;
  }

  /** Empty for a queue without one, and for a queue that does not exist. */
  get(resource: string): IamPolicy {
    return this.#queues.find(resource)?.iamPolicy ?? NO_POLICY;
  }

  set(resource: string, input: PolicyInput): IamPolicy {
    for (const { role } of input.bindings) {
      if (role === '') throw invalidField('policy.bindings', 'Each binding needs a role.');
    }
    return this.#queues.setPolicy(resource, (current = NO_POLICY) => {
      if (input.etag !== undefined && input.etag !== current.etag) {
        throw new ApiError(
          'ABORTED',
          'There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.',
        );
      }
      return policyOf(input);
    });
  }

  /** Every permission that is asked for, and none of a queue that does not exist. */
  test(resource: string, permissions: readonly string[]): readonly string[] {
    parseQueueName(resource);
    const wild = permissions.find((permission) => permission.includes('*'));
    if (wild !== undefined)
      throw invalidField('permissions', `"${wild}" holds a wildcard, which is not allowed.`);
    return this.#queues.find(resource) === undefined ? [] : permissions;
  }
}

function policyOf({ version, bindings }: Pick<PolicyInput, 'version' | 'bindings'>): IamPolicy {
  const etag = createHash('sha256')
    .update(JSON.stringify([version, bindings]))
    .digest()
    .subarray(0, 9);
  return { version, bindings, etag: etag.toString('base64') };
}

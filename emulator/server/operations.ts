import type { protos } from '@google-cloud/tasks';
import { CODE_NUMBERS } from '../core/errors.ts';
import type { ApiError } from '../core/errors.ts';
import { entityNotFound, invalidArgument } from '../core/faults.ts';
import type { Surface } from './rpc.ts';
import { operationsService } from './schema.ts';
import type { Plain } from './schema.ts';

type Operation = Plain & { readonly name: string };
type NameRequest = { readonly name?: string | null };
type ListRequest = protos.google.longrunning.IListOperationsRequest;

/** The oldest are forgotten past this many. */
const MAX_KEPT = 1000;
const NAME = /^projects\/[^/]+\/locations\/[^/]+\/operations\/[^/]+$/;

/** Operations that are done, for clients that wait for them. They are kept in memory. */
export class Operations {
  readonly #operations = new Map<string, Operation>();

  forgetAll(): void {
    this.#operations.clear();
  }

  /** Keeps an operation. The same name once more gives the one that is kept. */
  keep(operation: Operation): Operation {
    const known = this.#operations.get(operation.name);
    if (known !== undefined) return known;
    this.#operations.set(operation.name, operation);
    const [oldest] = this.#operations.keys();
    if (this.#operations.size > MAX_KEPT && oldest !== undefined) this.#operations.delete(oldest);
    return operation;
  }

  /** `google.longrunning.Operations`. Every operation is done by the time that anybody asks, so that waiting ends at once. */
  surface(): Surface {
    const get = (request: Plain): Operation => this.#get((request as NameRequest).name ?? '');
    const http = (method: string, verb = '', body?: string) => ({
      method,
      template: `/v1/{name=projects/*/locations/*/operations/*}${verb}`,
      ...(body !== undefined && { body }),
    });
    return {
      service: operationsService,
      restVersions: ['/v2', '/v2beta3', '/v2beta2', '/v1'],
      httpRules: {
        ListOperations: [{ method: 'GET', template: '/v1/{name=projects/*/locations/*}/operations' }],
        GetOperation: [http('GET')],
        DeleteOperation: [http('DELETE')],
        CancelOperation: [http('POST', ':cancel', '*')],
        WaitOperation: [http('POST', ':wait', '*')],
      },
      rpcs: {
        ListOperations: (request) => {
          const { name } = request as ListRequest;
          const found = [...this.#operations.values()].filter((each) =>
            each.name.startsWith(`${name ?? ''}/`),
          );
          return { operations: found };
        },
        GetOperation: get,
        WaitOperation: get,
        // What is done cannot be cancelled, and saying so is no error.
        CancelOperation: (request) => (get(request), {}),
        DeleteOperation: (request) => {
          this.#operations.delete(get(request).name);
          return {};
        },
      },
    };
  }

  #get(name: string): Operation {
    if (!NAME.test(name)) {
      throw invalidArgument(
        'Operation name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/operations/<OPERATION_ID>".',
      );
    }
    const operation = this.#operations.get(name);
    if (operation === undefined) throw entityNotFound();
    return operation;
  }
}

/** An error as it stands within a message. */
export function statusToProto({ code, message }: ApiError): Plain {
  return { code: CODE_NUMBERS[code], message };
}

import type { DocumentData } from '@google-cloud/firestore';
import type { z } from 'zod';
import type { AnyTask, IterativeTask, IterativeTaskDefinition, OneShotTask } from './definition.ts';
import { PageturnerError } from './errors.ts';
import { faultOfBooleans, faultOfKeys, type KnownKeys } from './known-keys.ts';
import { faultOfQueue } from './queue-name.ts';
import { told } from './told.ts';

/** What every definition has, as somebody may have written it who has no compiler. */
interface Written {
  readonly name: unknown;
  readonly queue: unknown;
  readonly params: unknown;
  readonly timeoutSeconds?: unknown;
}

const commonKeys = { name: true, queue: true, params: true, timeoutSeconds: true } as const;

/** Those of a task stand among them: a definition may be another task, changed in places. */
const keys = {
  task: { ...commonKeys, run: true, kind: true } satisfies Record<keyof OneShotTask, true>,
  iterative: {
    ...commonKeys,
    query: true,
    page: true,
    each: true,
    pageSize: true,
    shards: true,
    countTotal: true,
    onError: true,
    tries: true,
    maxFailures: true,
    maxQuarantined: true,
    state: true,
    exclusive: true,
    version: true,
    onOtherVersion: true,
    repeat: true,
    documentsPerSecond: true,
    ramp: true,
    throttle: true,
    waitForChildren: true,
    onStart: true,
    onPause: true,
    onCancel: true,
    onComplete: true,
    onFailed: true,
    kind: true,
  } satisfies Record<keyof IterativeTask | keyof IterativeTaskDefinition<z.ZodType, DocumentData>, true>,
} satisfies Record<string, KnownKeys>;

/** @throws PageturnerError `invalid-definition`. */
export function checkCommon(kind: AnyTask['kind'], definition: Written): void {
  const fault =
    faultOfKeys(definition, keys[kind]) ??
    faultOfBooleans(definition, ['exclusive', 'waitForChildren', 'countTotal']);
  if (fault !== undefined) refuse(definition, `has ${fault}`);
  const { name, queue, params, timeoutSeconds = 60 } = definition;
  if (typeof name !== 'string' || !/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) {
    refuse(
      definition,
      'is also a function name: use lower-case letters, digits and hyphens, at most 63, a letter first',
    );
  }
  const queueFault = faultOfQueue(queue);
  if (queueFault !== undefined) refuse(definition, `has ${queueFault}`);
  if (typeof (params as { readonly safeParse?: unknown } | null | undefined)?.safeParse !== 'function')
    refuse(definition, 'has no zod schema as params: write params: z.object({ … })');
  if (!isWholeNumber(timeoutSeconds) || timeoutSeconds < 15 || timeoutSeconds > 1800) {
    refuse(
      definition,
      `has timeoutSeconds ${told(timeoutSeconds)}: Cloud Tasks takes whole seconds from 15 to 1800`,
    );
  }
}

/** What is wrong with what is to be started, or undefined. */
export function faultOfTask(given: unknown): string | undefined {
  const { kind } = (given ?? {}) as { readonly kind?: unknown };
  if (typeof kind === 'string' && Object.hasOwn(keys, kind)) return undefined;
  return `${told(given)} is no task: give what task({ … }) or iterativeTask({ … }) returned`;
}

function isWholeNumber(value: unknown): value is number {
  return Number.isInteger(value);
}

/** @throws PageturnerError `invalid-definition`. */
export function refuse({ name }: { readonly name: unknown }, fault: string): never {
  throw new PageturnerError('invalid-definition', `Task ${told(name)} ${fault}.`);
}

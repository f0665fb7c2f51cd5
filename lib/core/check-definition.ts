import { PageturnerError } from './errors.ts';
import { faultOfQueue } from './queue-name.ts';
import { told } from './told.ts';

/** What every definition has, as somebody may have written it who has no compiler. */
interface Written {
  readonly name: unknown;
  readonly queue: unknown;
  readonly params: unknown;
  readonly timeoutSeconds?: unknown;
}

/** @throws PageturnerError `invalid-definition`. */
export function checkCommon(definition: Written): void {
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

function isWholeNumber(value: unknown): value is number {
  return Number.isInteger(value);
}

/** @throws PageturnerError `invalid-definition`. */
export function refuse({ name }: { readonly name: unknown }, fault: string): never {
  throw new PageturnerError('invalid-definition', `Task ${told(name)} ${fault}.`);
}

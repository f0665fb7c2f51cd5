import type { Request } from '@google-cloud/functions-framework';
import { PageturnerError } from '../core/errors.ts';
import type { Runtime } from '../runtime.ts';
import type { Identity } from './verify-token.ts';

/**
 * Who calls the function of this name, by an identity token whose audience is the function's own URL.
 *
 * @param callers those who may; those of PAGETURNER_CALLERS when undefined
 * @throws PageturnerError `unauthenticated`, `forbidden` or `unavailable`.
 */
export async function admit(
  request: Request,
  name: string,
  callers: readonly string[] | undefined,
  { settings, verifyToken }: Pick<Runtime, 'settings' | 'verifyToken'>,
): Promise<Identity> {
  const caller = await verifyToken(request.get('Authorization'), `${settings.functionsUrl}/${name}`);
  const allowed = callers ?? settings.callers;
  if (allowed.includes(caller.email)) return caller;
  const mend =
    allowed.length === 0
      ? 'nobody may yet: name the callers in its option `callers` or in PAGETURNER_CALLERS'
      : 'it is not among its callers';
  throw new PageturnerError('forbidden', `${caller.email} may not call ${name}: ${mend}.`);
}

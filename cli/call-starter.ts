import { Compute, GoogleAuth } from 'google-auth-library';
import { CliError } from './error.ts';

/** Gives an identity token for an audience. */
export type TokenSource = (audience: string) => Promise<string>;

/**
 * Tokens of the local emulator, which acts as the metadata server of a Google machine does. GCE_METADATA_HOST says where it is.
 * Credentials of this machine's owner are left out of it.
 */
export const localTokens: TokenSource = (audience) => new Compute().fetchIdToken(audience);

/** Tokens of the credentials that Google's libraries find on this machine. */
export const cloudTokens: TokenSource = async (audience) => {
  const client = await new GoogleAuth().getIdTokenClient(audience);
  return await client.idTokenProvider.fetchIdToken(audience);
};

export interface StarterCall {
  /** The task's name; its starter is served at `start-` and that name. */
  readonly task: string;
  readonly functionsUrl: string;
  readonly params: unknown;
  readonly idempotencyKey?: string | undefined;
  /** What of the start the caller sets, if the starter lets it; `dryRun` any caller may. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly tokens: TokenSource;
}

/** What a starter answers. */
export interface Started {
  readonly task: string;
  readonly runId?: string;
  readonly taskId?: string;
  /** Whether the idempotency key was used before: nothing was started now. */
  readonly existed?: boolean;
  readonly dryRun?: boolean;
}

/**
 * Calls the starter of a task, as anybody may who is among its callers.
 *
 * @throws CliError `not-running` when nothing answers, `refused` with the starter's own words when it refuses
 */
export async function callStarter(call: StarterCall): Promise<Started> {
  const url = `${call.functionsUrl}/start-${call.task}`;
  const token = await tokenFor(url, call.tokens);
  const headers = new Headers({ Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' });
  if (call.idempotencyKey !== undefined) headers.set('Idempotency-Key', call.idempotencyKey);
  const settings = new URLSearchParams(call.settings).toString();
  const query = settings === '' ? '' : `?${settings}`;
  let response: Response;
  try {
    response = await fetch(`${url}${query}`, { method: 'POST', headers, body: JSON.stringify(call.params) });
  } catch (cause) {
    throw new CliError(
      'not-running',
      `Nothing answers at ${url}.`,
      'Start the functions with `pageturner dev`, or give --url with the address under which they are served; where `dev` is up, ' +
        'they may be starting again: its output says why.',
      { cause },
    );
  }
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as Started;
  const { status } = response;
  const message = messageOf(text);
  throw new CliError('refused', `${url} answers ${status}: ${message}`, nextStep(status, message));
}

function nextStep(status: number, message: string): string | undefined {
  // Options are refused with the code of parameters, too.
  if (status === 400 && message.startsWith('The parameters '))
    return 'Parameters are given with --params JSON or -p key=value; --help lists everything else.';
  return nextSteps[status];
}

const nextSteps: Readonly<Record<number, string>> = {
  400: '`pageturner start --help` lists what may be given.',
  401: 'The token is not for this function: check that --url is the address that the function knows as its own.',
  403: 'Name the caller in PAGETURNER_CALLERS, or in the callers of the starter.',
  409: 'Wait for that run, or give another --key or --idempotency-key.',
  500: 'The log of the functions says more; `pageturner runs list` shows whether a run was left behind.',
  404: 'A task TASK is started by the function start-TASK; check the name of the task.',
};

async function tokenFor(audience: string, tokens: TokenSource): Promise<string> {
  try {
    return await tokens(audience);
  } catch (cause) {
    throw new CliError(
      'refused',
      `There is no identity token to be had for ${audience}: ${cause instanceof Error ? cause.message : String(cause)}`,
      'In Google Cloud, log in with `gcloud auth application-default login` or act as a service account.',
      { cause },
    );
  }
}

/** The message of an error answer; what is not one of ours is cut short. */
function messageOf(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } };
    if (error?.message) return error.message;
  } catch {
    // Not JSON: a proxy's page, perhaps.
  }
  return text.trim().slice(0, 200) || 'nothing more';
}

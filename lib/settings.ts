import { z } from 'zod';
import { PageturnerError } from './core/errors.ts';

/** Where everything is. Read from the environment, so that the same code runs on a laptop and in the cloud. */
export interface Settings {
  /** `GOOGLE_CLOUD_PROJECT` */
  readonly project: string;
  /** `PAGETURNER_LOCATION`: the region of the queues. */
  readonly location: string;
  /** `PAGETURNER_FUNCTIONS_URL`: each function is served at this URL and its name. */
  readonly functionsUrl: string;
  /** `PAGETURNER_SERVICE_ACCOUNT`: the only identity that workers answer to, and that the queue is asked to attest. */
  readonly serviceAccount: string;
  /** `PAGETURNER_CALLERS`: the identities that starters answer to, separated by commas. */
  readonly callers: readonly string[];
  /** `PAGETURNER_ISSUER`: who signs identity tokens; Google unless given. */
  readonly issuer: string;
  /** `CLOUD_TASKS_EMULATOR_HOST`: host and port of a Cloud Tasks emulator. Absent: Google Cloud. */
  readonly tasksEmulatorHost?: string;
}

const email = z.email('is not an e-mail address');

/** Tokens from an issuer without TLS could be anybody's, unless it is this machine. */
const issuer = z.url('is not a URL').refine(isTrustworthy, 'must be an https:// URL, or one of this machine');

const schema = z.object({
  GOOGLE_CLOUD_PROJECT: z.string('is not set'),
  PAGETURNER_LOCATION: z.string('is not set'),
  PAGETURNER_FUNCTIONS_URL: z.url('is not set to a URL').transform((url) => url.replace(/\/+$/, '')),
  PAGETURNER_SERVICE_ACCOUNT: z.string('is not set').pipe(email),
  PAGETURNER_CALLERS: z
    .string()
    .default('')
    .transform((list) =>
      list
        .split(',')
        .map((entry) => entry.trim())
        .filter(Boolean),
    )
    .pipe(z.array(email)),
  PAGETURNER_ISSUER: issuer.default('https://accounts.google.com'),
  CLOUD_TASKS_EMULATOR_HOST: z.string().optional(),
});

type Environment = Readonly<Record<string, string | undefined>>;

/** The project that an environment names; an empty variable names none. */
export function projectOf(environment: Environment): string | undefined {
  return environment['GOOGLE_CLOUD_PROJECT'] || environment['GCLOUD_PROJECT'] || undefined;
}

/**
 * An empty variable counts as one that is not set.
 *
 * @throws PageturnerError `misconfigured`, naming every variable at fault.
 */
export function readSettings(environment: Environment): Settings {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse({ ...set, GOOGLE_CLOUD_PROJECT: projectOf(environment) });
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ');
    throw new PageturnerError(
      'misconfigured',
      `The environment lacks what Pageturner needs: ${faults}. See docs/settings.md.`,
    );
  }
  const { data } = parsed;
  return {
    project: data.GOOGLE_CLOUD_PROJECT,
    location: data.PAGETURNER_LOCATION,
    functionsUrl: data.PAGETURNER_FUNCTIONS_URL,
    serviceAccount: data.PAGETURNER_SERVICE_ACCOUNT,
    callers: data.PAGETURNER_CALLERS,
    issuer: data.PAGETURNER_ISSUER,
    ...(data.CLOUD_TASKS_EMULATOR_HOST === undefined
      ? {}
      : { tasksEmulatorHost: data.CLOUD_TASKS_EMULATOR_HOST }),
  };
}

function isTrustworthy(url: string): boolean {
  const { protocol, hostname } = URL.parse(url) ?? {};
  if (protocol === 'https:') return true;
  return protocol === 'http:' && /^(localhost|\[::1\]|127(\.\d+){3})$/.test(hostname ?? '');
}

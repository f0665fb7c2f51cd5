import { ApiError } from '../core/errors.ts';
import { DEFAULT_SCOPE, TOKEN_LIFETIME_SECONDS } from '../core/tokens.ts';
import type { Tokens } from '../core/tokens.ts';
import { jsonReply } from './http.ts';
import type { HttpHandler, HttpReply } from './http.ts';

const ROOT = '/computeMetadata/v1';
/** The real server's guard, both ways: a request that some page or redirect made does not have it. */
const FLAVOR = { 'metadata-flavor': 'Google' } as const;

/**
 * The part of Google's metadata server through which its libraries find a project and get tokens, for clients on this machine that
 * call starters. The one account is `email`.
 */
export function metadata(
  tokens: Pick<Tokens, 'idToken' | 'accessToken'>,
  { project, email }: { readonly project: string; readonly email: string },
): HttpHandler {
  const identity = async (query: URLSearchParams): Promise<HttpReply> => {
    const audience = query.get('audience');
    if (!audience) throw new ApiError('INVALID_ARGUMENT', 'non-empty audience parameter required');
    return textReply(await tokens.idToken({ email, audience }));
  };
  const account = {
    identity,
    email: () => textReply(email),
    token: () =>
      jsonReply({
        access_token: tokens.accessToken({ email, scope: DEFAULT_SCOPE }),
        expires_in: TOKEN_LIFETIME_SECONDS,
        token_type: 'Bearer',
      }),
    scopes: () => textReply(DEFAULT_SCOPE),
  };
  const accountPaths = ['default', email].map((id) => `${ROOT}/instance/service-accounts/${id}/`);
  return async ({ method, path, query, headers }) => {
    if (method !== 'GET' || !path.startsWith(ROOT)) return undefined;
    if (headers['metadata-flavor'] !== 'Google') {
      throw new ApiError('PERMISSION_DENIED', 'Missing Metadata-Flavor:Google header.');
    }
    const prefix = accountPaths.find((candidate) => path.startsWith(candidate));
    const name = prefix && path.slice(prefix.length);
    if (name && Object.hasOwn(account, name)) {
      const reply = await account[name as keyof typeof account](query);
      return { ...reply, headers: { ...reply.headers, ...FLAVOR } };
    }
    if (path === `${ROOT}/project/project-id`) return textReply(project);
    // What a client asks for to see whether this is a metadata server at all.
    return path === ROOT || path === `${ROOT}/instance` ? textReply('') : undefined;
  };
}

function textReply(body: string): HttpReply {
  return { status: 200, headers: { 'content-type': 'application/text', ...FLAVOR }, body };
}

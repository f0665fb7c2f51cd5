import type { AccessInfo, Tokens } from '../core/tokens.ts';
import { jsonReply } from './http.ts';
import type { HttpHandler, HttpRequest } from './http.ts';

/** Tells who holds an access token, as `https://oauth2.googleapis.com/tokeninfo` does. */
export function tokenInfo(tokens: Pick<Tokens, 'readAccessToken'>): HttpHandler {
  return (request) => {
    if (request.path !== '/tokeninfo' || !['GET', 'POST'].includes(request.method)) return undefined;
    const info = tokens.readAccessToken(tokenIn(request));
    if (info !== undefined) return jsonReply(googleForm(info));
    return jsonReply({ error: 'invalid_token', error_description: 'Invalid Value' }, 400);
  };
}

/** The clients of Google put it in the header, people in the query. */
function tokenIn({ headers, query, body }: HttpRequest): string {
  const [, bearer] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? [];
  const form = new URLSearchParams(body.toString());
  return bearer ?? query.get('access_token') ?? form.get('access_token') ?? '';
}

/** Numbers and truths are text there. */
function googleForm({ email, scope, expiresAt }: AccessInfo): object {
  return {
    scope,
    exp: String(expiresAt),
    expires_in: String(Math.max(0, expiresAt - Math.floor(Date.now() / 1000))),
    email,
    email_verified: 'true',
    access_type: 'online',
  };
}

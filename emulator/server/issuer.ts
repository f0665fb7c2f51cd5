import type { Tokens } from '../core/tokens.ts';
import { jsonReply } from './http.ts';
import type { HttpHandler } from './http.ts';

/**
 * The emulator as an OIDC issuer, at the paths where Google publishes: the discovery document, and the public key as a JSON Web Key
 * Set and as PEM certificates.
 */
export function issuer(tokens: Pick<Tokens, 'issuer' | 'jwks' | 'certificates'>): HttpHandler {
  const jwksPath = '/oauth2/v3/certs';
  const discovery = {
    issuer: tokens.issuer,
    jwks_uri: `${tokens.issuer}${jwksPath}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claims_supported: ['aud', 'azp', 'email', 'email_verified', 'exp', 'iat', 'iss', 'sub'],
  };
  const documents: Readonly<Record<string, () => unknown>> = {
    '/.well-known/openid-configuration': () => discovery,
    [jwksPath]: () => tokens.jwks(),
    '/oauth2/v1/certs': () => tokens.certificates(),
  };
  return async ({ method, path }) => {
    const document = method === 'GET' ? documents[path] : undefined;
    return document && jsonReply(await document());
  };
}

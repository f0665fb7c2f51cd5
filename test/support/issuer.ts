import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { onTestFinished } from 'vitest';
import { portOf } from './serve-functions.ts';

export interface TestIssuer {
  readonly url: string;
  /** A token with good claims for the audience, changed as given; `foreignKey` has somebody else sign it. */
  token(audience: string, changes?: JWTPayload, options?: { readonly foreignKey?: boolean }): Promise<string>;
}

/** An issuer of identity tokens of any content, with its own keys behind a discovery document. */
export async function startIssuer(): Promise<TestIssuer> {
  const [own, foreign] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
  const server = createServer((request, response) => {
    const answers: Record<string, unknown> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys` },
      '/keys': { keys: [jwk] },
    };
    const answer = answers[request.url ?? ''];
    response
      .writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
      .end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${portOf(server)}`;
  return {
    url,
    async token(audience, changes = {}, { foreignKey = false } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        sub: '1',
        email: 'someone@example.com',
        email_verified: true,
        iat: now,
        exp: now + 3600,
      };
      return await new SignJWT({ iss: url, aud: audience, ...claims, ...changes })
        .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
        .sign(foreignKey ? foreign.privateKey : own.privateKey);
    },
  };
}

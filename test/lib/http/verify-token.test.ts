import { createServer } from 'node:http';
import type { JWTPayload } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { createTokenVerifier } from '../../../lib/http/verify-token.ts';
import { startIssuer } from '../../support/issuer.ts';
import { portOf } from '../../support/serve-functions.ts';

const audience = 'https://functions.example/walk';

test('a good token says who calls', async () => {
  const issuer = await startIssuer();
  const verify = createTokenVerifier(issuer.url);
  expect(await verify(`Bearer ${await issuer.token(audience)}`, audience)).toEqual({
    email: 'someone@example.com',
  });
});

/** Set to undefined, a claim does not travel. */
function withoutClaim(claim: string): JWTPayload {
  return { [claim]: undefined };
}

const now = Math.floor(Date.now() / 1000);

test.each<[string, JWTPayload, { readonly foreignKey?: boolean }, string]>([
  ['of another audience', { aud: 'https://other.example' }, {}, `ask for a token with audience ${audience}`],
  ['of another issuer', { iss: 'https://accounts.google.com' }, {}, 'its issuer is not http://127.0.0.1'],
  ['that has expired', { exp: now - 60 }, {}, 'it has expired; get a new one'],
  ['without an expiry', withoutClaim('exp'), {}, 'its claim exp is missing or wrong'],
  ['that somebody else signed', {}, { foreignKey: true }, 'its signature is wrong'],
  ['without an address', withoutClaim('email'), {}, 'names no verified e-mail address'],
  ['with an unverified address', { email_verified: false }, {}, 'names no verified e-mail address'],
])('a token %s is refused, saying so', async (_, changes, options, message) => {
  const issuer = await startIssuer();
  const verify = createTokenVerifier(issuer.url);
  const token = await issuer.token(audience, changes, options);
  await expect(verify(`Bearer ${token}`, audience)).rejects.toMatchObject({
    code: 'unauthenticated',
    message: expect.stringContaining(message),
  });
});

test.each([
  ['no header', undefined, 'Send an identity token'],
  ['another scheme', 'Basic eDp5', 'Send an identity token'],
  ['no token at all', 'Bearer nonsense', 'it is not a token in the JWT form'],
  [
    'an unsigned token',
    'Bearer eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImEifQ.',
    'it is not a token in the JWT form',
  ],
])('%s is refused, saying so', async (_, header, message) => {
  const issuer = await startIssuer();
  await expect(createTokenVerifier(issuer.url)(header, audience)).rejects.toMatchObject({
    code: 'unauthenticated',
    message: expect.stringContaining(message),
  });
});

test.each([
  ['answers 503', 503, 'busy'],
  ['answers what is not JSON', 200, '<html>'],
  ['answers what is no key set', 200, '{}'],
])('keys at an address that %s are no fault of the caller', async (_, status, body) => {
  const issuer = await startIssuer();
  const server = createServer((request, response) => {
    if (request.url === '/keys') response.writeHead(status).end(body);
    else response.end(JSON.stringify({ jwks_uri: `${url}/keys` }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${portOf(server)}`;
  const header = `Bearer ${await issuer.token(audience, { iss: url })}`;
  await expect(createTokenVerifier(url)(header, audience)).rejects.toMatchObject({ code: 'unavailable' });
});

test('an issuer that does not answer is no fault of the caller, and is asked again', async () => {
  const issuer = await startIssuer();
  let isUp = false;
  const server = createServer((_, response) => {
    if (!isUp) response.writeHead(500).end('down');
    else response.end(JSON.stringify({ jwks_uri: `${issuer.url}/keys` }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${portOf(server)}`;
  const verify = createTokenVerifier(url);
  const header = `Bearer ${await issuer.token(audience, { iss: url })}`;
  await expect(verify(header, audience)).rejects.toMatchObject({ code: 'unavailable' });
  isUp = true;
  expect(await verify(header, audience)).toEqual({ email: 'someone@example.com' });
});

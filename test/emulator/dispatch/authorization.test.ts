import { OAuth2Client } from 'google-auth-library';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Authorization } from '../../../emulator/core/model.ts';
import { generateSigningKey, TokenSigner } from '../../../emulator/dispatch/token-signer.ts';
import { serve } from '../web-server.ts';
import { deliver } from './dispatcher.ts';

const ISSUER = 'https://issuer.example';
const EMAIL = 'tasks@my-project.iam.gserviceaccount.com';
let tokens: TokenSigner;

beforeAll(async () => {
  tokens = new TokenSigner(generateSigningKey, ISSUER);
});

/** What stands behind `Bearer` in the one header of authorization that arrives. */
async function bearer(
  authorization: Authorization,
  headers: Record<string, string> = {},
): Promise<{ url: string; token: string }> {
  const { url, requests } = await serve();
  expect(await deliver({ url: `${url}/walk?page=1`, authorization, headers }, { tokens })).toMatchObject({
    httpStatus: 200,
  });
  const found = Object.entries(requests[0]?.headers ?? {}).filter(([name]) => /^authorization$/i.test(name));
  expect(found).toEqual([['Authorization', expect.stringMatching(/^Bearer ./)]]);
  return { url, token: found[0]?.[1].slice('Bearer '.length) ?? '' };
}

describe('a task with an OIDC token', () => {
  test('shows one for its url when it names no audience', async () => {
    const { url, token } = await bearer({ kind: 'oidc', serviceAccountEmail: EMAIL });
    const { payload } = await jwtVerify(token, createLocalJWKSet(await tokens.jwks()), {
      issuer: ISSUER,
      audience: `${url}/walk?page=1`,
    });
    expect(payload).toMatchObject({ email: EMAIL, email_verified: true });
  });

  test('shows one for the audience that it names, which google-auth-library accepts too', async () => {
    const audience = 'https://worker.example';
    const { token } = await bearer({ kind: 'oidc', serviceAccountEmail: EMAIL, audience });
    const ticket = await new OAuth2Client().verifySignedJwtWithCertsAsync(
      token,
      await tokens.certificates(),
      audience,
      [ISSUER],
    );
    expect(ticket.getPayload()).toMatchObject({ aud: audience, email: EMAIL });
  });

  test('shows no authorization of the caller beside it', async () => {
    const { token } = await bearer({ kind: 'oidc', serviceAccountEmail: EMAIL }, { authorization: 'mine' });
    expect(token).not.toContain('mine');
  });
});

describe('a task with an OAuth token', () => {
  test('shows an access token, opaque as those of Google', async () => {
    const { token } = await bearer({ kind: 'oauth', serviceAccountEmail: EMAIL });
    expect(token).toMatch(/^ya29\.[\w-]{100,}$/);
  });
});

describe('a task without a token', () => {
  test('shows the authorization that the caller wrote', async () => {
    const { url, requests } = await serve();
    await deliver({ url, headers: { authorization: 'mine' } }, { tokens });
    expect(requests[0]?.headers).toMatchObject({ authorization: 'mine' });
  });
});

test.each([
  ['one fault', new Error('no key'), 'no key'],
  ['several', new AggregateError([new Error('no key'), new Error('no luck')]), 'no key; no luck'],
])('an attempt whose token cannot be made for %s fails and says why', async (_, fault, reason) => {
  const { url, requests } = await serve();
  const tokens = { idToken: () => Promise.reject(fault), accessToken: () => '' };
  const result = await deliver(
    { url, authorization: { kind: 'oidc', serviceAccountEmail: EMAIL } },
    { tokens },
  );
  expect(result).toEqual({ kind: 'unreachable', reason });
  expect(requests).toEqual([]);
});

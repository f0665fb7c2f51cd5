import { OAuth2Client } from 'google-auth-library';
import { createRemoteJWKSet, decodeJwt, importX509, jwtVerify } from 'jose';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { serve } from '../../emulator/web-server.ts';

const EMAIL = 'tasks@demo-pageturner.iam.gserviceaccount.com';

let emulator: Emulator;
let audience: string;
/** What a worker received from the emulator. */
let token: string;

async function deliver(authorization: object): Promise<string> {
  const worker = await serve();
  audience = `${worker.url}/walk?page=1`;
  const parent = 'projects/demo-pageturner/locations/us-central1/queues/mail';
  await fetch(`${emulator.url}/v2/${parent}/tasks`, {
    method: 'POST',
    body: JSON.stringify({ task: { httpRequest: { url: audience, ...authorization } } }),
  });
  await emulator.idle();
  return worker.requests[0]?.headers['Authorization']?.replace(/^Bearer /, '') ?? '';
}

beforeEach(async () => {
  emulator = await startEmulator({ queues: [{ name: 'mail' }] });
  onTestFinished(() => emulator.close());
  token = await deliver({ oidcToken: { serviceAccountEmail: EMAIL } });
});

interface Discovery {
  readonly issuer: string;
  readonly jwks_uri: string;
}

async function discover(): Promise<Discovery> {
  const { iss = '' } = decodeJwt(token);
  return (await (await fetch(`${iss}/.well-known/openid-configuration`)).json()) as Discovery;
}

test('jose verifies the token of a delivery by discovery', async () => {
  const { issuer, jwks_uri } = await discover();
  const keys = createRemoteJWKSet(new URL(jwks_uri));
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer,
    audience,
    algorithms: ['RS256'],
  });
  expect(payload).toMatchObject({ email: EMAIL, email_verified: true, azp: payload.sub });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
  expect(protectedHeader.kid).toMatch(/^[0-9a-f]{40}$/);
  await expect(jwtVerify(token, keys, { issuer, audience: 'https://other.example' })).rejects.toThrow(/aud/);
});

test('google-auth-library verifies it with the certificates in PEM', async () => {
  const certificates = (await (await fetch(`${emulator.url}/oauth2/v1/certs`)).json()) as Record<
    string,
    string
  >;
  const verify = (text: string) =>
    new OAuth2Client().verifySignedJwtWithCertsAsync(text, certificates, audience, [emulator.issuer]);
  expect((await verify(token)).getPayload()).toMatchObject({ aud: audience, email: EMAIL });
  const [header, claims, signature = ''] = token.split('.');
  await expect(verify([header, claims, signature.toUpperCase()].join('.'))).rejects.toThrow(/signature/);
});

test('google-auth-library verifies it as it is written for Google, with its endpoints turned to the emulator', async () => {
  const client = new OAuth2Client({
    endpoints: { oauth2FederatedSignonPemCertsUrl: `${emulator.url}/oauth2/v1/certs` },
    issuers: [emulator.issuer],
  });
  const ticket = await client.verifyIdToken({ idToken: token, audience });
  expect(ticket.getPayload()).toMatchObject({ email: EMAIL, email_verified: true });
});

test('a certificate alone verifies it', async () => {
  const certificates = (await (await fetch(`${emulator.url}/oauth2/v1/certs`)).json()) as Record<
    string,
    string
  >;
  const key = await importX509(Object.values(certificates)[0] ?? '', 'RS256');
  await expect(jwtVerify(token, key, { audience })).resolves.toMatchObject({ payload: { email: EMAIL } });
});

test('google-auth-library, asked who holds an access token, is told as Google tells it', async () => {
  const scope = 'https://www.googleapis.com/auth/datastore';
  const accessToken = await deliver({ oauthToken: { serviceAccountEmail: EMAIL, scope } });
  const client = new OAuth2Client({ endpoints: { tokenInfoUrl: `${emulator.url}/tokeninfo` } });
  expect(await client.getTokenInfo(accessToken)).toMatchObject({
    email: EMAIL,
    email_verified: 'true',
    scopes: [scope],
    expiry_date: expect.any(Number),
  });
  await expect(client.getTokenInfo(`${accessToken}x`)).rejects.toThrow(/invalid_token/);
});

import { OAuth2Client } from 'google-auth-library';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { generateSigningKey, TokenSigner, type SigningKey } from '../../../emulator/dispatch/token-signer.ts';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'https://worker.example/walk';
const EMAIL = 'a@b.c';
let key: SigningKey;
let signer: TokenSigner;

beforeAll(async () => {
  key = await generateSigningKey();
  signer = new TokenSigner(async () => key, ISSUER);
});

describe('an identity token', () => {
  test('has the claims that Google gives, and lives for an hour', async () => {
    const token = await signer.idToken({ email: EMAIL, audience: AUDIENCE });
    const { iat = Number.NaN, ...claims } = decodeJwt(token);
    expect(claims).toEqual({
      iss: ISSUER,
      aud: AUDIENCE,
      email: EMAIL,
      email_verified: true,
      azp: claims['sub'],
      sub: expect.stringMatching(/^1\d{20}$/),
      exp: iat + 3600,
    });
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', kid: key.id, typ: 'JWT' });
  });

  test('knows each account by a number of 21 digits that is always its own', async () => {
    const other = new TokenSigner(generateSigningKey, ISSUER);
    const emails = Array.from({ length: 20 }, (_, index) => `worker-${index}@b.c`);
    const subjectsBy = async (by: TokenSigner): Promise<(string | undefined)[]> =>
      await Promise.all(
        emails.map(async (email) => decodeJwt(await by.idToken({ email, audience: AUDIENCE })).sub),
      );
    const subjects = await subjectsBy(signer);
    expect(await subjectsBy(other)).toEqual(subjects);
    expect(new Set(subjects).size).toBe(emails.length);
    for (const subject of subjects) expect(subject).toMatch(/^1\d{20}$/);
  });

  test.each<[string, (token: string, by: TokenSigner) => Promise<unknown>]>([
    [
      'jose',
      async (token, by) =>
        await jwtVerify(token, createLocalJWKSet(await by.jwks()), { issuer: ISSUER, audience: AUDIENCE }),
    ],
    [
      'google-auth-library',
      async (token, by) =>
        await new OAuth2Client().verifySignedJwtWithCertsAsync(token, await by.certificates(), AUDIENCE, [
          ISSUER,
        ]),
    ],
  ])('is accepted by %s with the key that signed it and with no other', async (_, verify) => {
    const token = await signer.idToken({ email: EMAIL, audience: AUDIENCE });
    await expect(verify(token, signer)).resolves.toBeDefined();
    const sameIdOtherKey = { ...(await generateSigningKey()), id: key.id };
    const foreign = new TokenSigner(
      async () => ({ ...sameIdOtherKey, publicJwk: { ...sameIdOtherKey.publicJwk, kid: key.id } }),
      ISSUER,
    );
    await expect(verify(token, foreign)).rejects.toThrow(/signature/i);
  });
});

describe('identity tokens of one second', () => {
  const at = Date.UTC(2026, 0, 1);

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: at });
    onTestFinished(() => void vi.useRealTimers());
  });

  test('are the same, and a later one is issued later', async () => {
    const first = await signer.idToken({ email: EMAIL, audience: AUDIENCE });
    vi.setSystemTime(at + 999);
    expect(await signer.idToken({ email: EMAIL, audience: AUDIENCE })).toBe(first);
    vi.setSystemTime(at + 1000);
    const next = await signer.idToken({ email: EMAIL, audience: AUDIENCE });
    expect([first, next].map((token) => decodeJwt(token).iat)).toEqual([at / 1000, at / 1000 + 1]);
  });

  test('differ by account and by audience, whatever is in their names', async () => {
    const claims = [
      { email: 'a', audience: 'b","c' },
      { email: 'a","b', audience: 'c' },
      { email: 'a', audience: 'c' },
    ];
    const tokens = await Promise.all(claims.map((each) => signer.idToken(each)));
    expect(tokens.map((token) => decodeJwt(token))).toMatchObject(
      claims.map(({ email, audience: aud }) => ({ email, aud })),
    );
  });
});

const CLAIMS = { email: EMAIL, scope: 'https://www.googleapis.com/auth/cloud-platform' };

describe('an access token', () => {
  test('says nothing and is never the same', () => {
    expect(signer.accessToken(CLAIMS)).toMatch(/^ya29\.[\w-]{100,}$/);
    expect(signer.accessToken(CLAIMS)).not.toBe(signer.accessToken(CLAIMS));
  });
});

describe('the key', () => {
  test('shows its public half only, under one id in both forms', async () => {
    expect(await signer.jwks()).toEqual({
      keys: [
        {
          kty: 'RSA',
          alg: 'RS256',
          use: 'sig',
          kid: key.id,
          e: 'AQAB',
          n: expect.stringMatching(/^[\w-]{342}$/),
        },
      ],
    });
    expect(Object.keys(await signer.certificates())).toEqual([key.id]);
    expect(key.id).toMatch(/^[0-9a-f]{40}$/);
  });

  test('is made once, when it is first needed, and once more only if it could not be', async () => {
    const load = vi.fn(async () => key);
    load.mockRejectedValueOnce(new Error('the disk is full'));
    const lazy = new TokenSigner(load, ISSUER);
    lazy.accessToken(CLAIMS);
    expect(load).not.toHaveBeenCalled();
    await expect(lazy.jwks()).rejects.toThrow('the disk is full');
    await Promise.all([lazy.jwks(), lazy.certificates(), lazy.idToken({ email: EMAIL, audience: AUDIENCE })]);
    expect(load).toHaveBeenCalledTimes(2);
  });
});

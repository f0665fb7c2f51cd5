import { createHash } from 'node:crypto';
import type { webcrypto } from 'node:crypto';
import type * as Jose from 'jose';
import type { JWK } from 'jose';
import { TOKEN_LIFETIME_SECONDS } from '../core/tokens.ts';
import type { AccessClaims, AccessInfo, Tokens } from '../core/tokens.ts';
import { AccessTokens } from './access-tokens.ts';
import { selfSignedCertificate } from './certificate.ts';

/** Loaded with the first token: it is a good part of a start. */
const jose = async (): Promise<typeof Jose> => await import('jose');

const DAY_MS = 24 * 3600 * 1000;

/** The key that the emulator signs with, and its public half in the forms in which verifiers want it. */
export interface SigningKey {
  readonly id: string;
  readonly privateKey: webcrypto.CryptoKey;
  readonly publicJwk: JWK;
  readonly certificatePem: string;
}

export async function generateSigningKey(now: Date = new Date()): Promise<SigningKey> {
  const { generateKeyPair, exportJWK } = await jose();
  const keys = await generateKeyPair('RS256', { extractable: true });
  const certificatePem = await selfSignedCertificate(keys, {
    commonName: 'pageturner-emulator',
    notBefore: new Date(now.getTime() - DAY_MS),
    notAfter: new Date(now.getTime() + 365 * DAY_MS),
  });
  const publicHalf = await publicHalfOf(await exportJWK(keys.publicKey));
  return { ...publicHalf, privateKey: keys.privateKey, certificatePem };
}

/** The key as text, private half included: whoever holds it can sign as this emulator. */
export async function signingKeyToText({ privateKey, certificatePem }: SigningKey): Promise<string> {
  const { exportJWK } = await jose();
  return JSON.stringify({ privateJwk: await exportJWK(privateKey), certificatePem });
}

/** Reads what `signingKeyToText` wrote. */
export async function signingKeyFromText(text: string): Promise<SigningKey> {
  const { privateJwk, certificatePem } = JSON.parse(text) as { privateJwk: JWK; certificatePem: string };
  const { importJWK } = await jose();
  const privateKey = (await importJWK(privateJwk, 'RS256')) as webcrypto.CryptoKey;
  const { kty = 'RSA', n = '', e = '' } = privateJwk;
  return { ...(await publicHalfOf({ kty, n, e })), privateKey, certificatePem };
}

async function publicHalfOf(jwk: JWK): Promise<Pick<SigningKey, 'id' | 'publicJwk'>> {
  const { calculateJwkThumbprint } = await jose();
  const id = createHash('sha1')
    .update(await calculateJwkThumbprint(jwk))
    .digest('hex');
  return { id, publicJwk: { ...jwk, kid: id, alg: 'RS256', use: 'sig' } };
}

/** Tokens in Google's shape, signed with a key of the emulator's own. */
export class TokenSigner implements Tokens {
  readonly issuer: string;
  readonly #loadKey: () => Promise<SigningKey>;
  #loadedKey: Promise<SigningKey> | undefined;
  readonly #accessTokens = new AccessTokens();
  /** The identity tokens of one second, by whom they are of and for. */
  readonly #idTokens = new Map<string, Promise<string>>();
  #idTokensOfSecond = 0;

  /** @param loadKey called when the key is first needed, and again if it failed: to make one takes a tenth of a second */
  constructor(loadKey: () => Promise<SigningKey>, issuer: string) {
    this.#loadKey = loadKey;
    this.issuer = issuer;
  }

  /** Minted now. Within a second it would come out the same to the letter, so it is signed once: signing is dear. */
  idToken({ email, audience }: { email: string; audience: string }): Promise<string> {
    const second = Math.floor(Date.now() / 1000);
    if (this.#idTokensOfSecond !== second) this.#idTokens.clear();
    this.#idTokensOfSecond = second;
    const key = JSON.stringify([email, audience]);
    const token = this.#idTokens.get(key) ?? this.#sign(email, audience, second);
    this.#idTokens.set(key, token);
    return token;
  }

  async #sign(email: string, audience: string, issuedAt: number): Promise<string> {
    const [{ SignJWT }, { id, privateKey }] = await Promise.all([jose(), this.#key()]);
    const accountId = accountIdOf(email);
    return new SignJWT({ azp: accountId, email, email_verified: true })
      .setProtectedHeader({ alg: 'RS256', kid: id, typ: 'JWT' })
      .setIssuer(this.issuer)
      .setAudience(audience)
      .setSubject(accountId)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + TOKEN_LIFETIME_SECONDS)
      .sign(privateKey);
  }

  accessToken(claims: AccessClaims): string {
    return this.#accessTokens.mint(claims, Date.now());
  }

  readAccessToken(token: string): AccessInfo | undefined {
    return this.#accessTokens.read(token, Date.now());
  }

  async jwks(): Promise<{ keys: JWK[] }> {
    return { keys: [(await this.#key()).publicJwk] };
  }

  async certificates(): Promise<Record<string, string>> {
    const { id, certificatePem } = await this.#key();
    return { [id]: certificatePem };
  }

  async #key(): Promise<SigningKey> {
    this.#loadedKey ??= this.#loadKey();
    try {
      return await this.#loadedKey;
    } catch (error) {
      this.#loadedKey = undefined;
      throw error;
    }
  }
}

/** Google knows an account by a number of 21 digits. Here it follows from the address, so that it is always the same. */
function accountIdOf(email: string): string {
  const digest = createHash('sha256').update(email).digest('hex').slice(0, 16);
  return `1${BigInt(`0x${digest}`).toString().padStart(20, '0')}`;
}

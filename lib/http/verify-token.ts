import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';
import { PageturnerError } from '../core/errors.ts';

/** Who calls, as an issuer attests it. */
export interface Identity {
  readonly email: string;
}

/** Checks an `Authorization` header. Give it what a request had. */
export type TokenVerifier = (authorization: string | undefined, audience: string) => Promise<Identity>;

type Keys = ReturnType<typeof createRemoteJWKSet>;

/**
 * Verifies identity tokens (OIDC) as Google issues them for service accounts and people: the signature by the issuer's published
 * keys, issuer, audience, expiry, and a verified e-mail address.
 *
 * The verifier throws PageturnerError `unauthenticated` when there is no token or it does not verify, saying what is wrong with it,
 * and `unavailable` when the issuer's keys cannot be had.
 *
 * @param issuer its URL; `/.well-known/openid-configuration` below it names its keys.
 */
export function createTokenVerifier(issuer: string): TokenVerifier {
  let keys: Promise<Keys> | undefined;
  const publishedKeys = async (): Promise<Keys> => {
    keys ??= discoverKeys(issuer);
    try {
      return await keys;
    } catch (error) {
      keys = undefined; // so that the next request asks again
      throw error;
    }
  };
  return async (authorization, audience) => {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    if (token === undefined) {
      throw new PageturnerError('unauthenticated', 'Send an identity token: Authorization: Bearer TOKEN.');
    }
    const payload = await verify(token, await publishedKeys(), issuer, audience);
    const { email, email_verified: isVerified } = payload;
    if (typeof email !== 'string' || isVerified !== true) {
      throw new PageturnerError(
        'unauthenticated',
        'The token names no verified e-mail address: ask for one with the e-mail claim.',
      );
    }
    return { email };
  };
}

async function discoverKeys(issuer: string): Promise<Keys> {
  const url = `${issuer}/.well-known/openid-configuration`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    const { jwks_uri: jwksUri } = (await response.json()) as { jwks_uri: string };
    return createRemoteJWKSet(new URL(jwksUri));
  } catch (cause) {
    throw new PageturnerError(
      'unavailable',
      `The issuer's keys cannot be had: ${url} did not answer as an issuer does.`,
      { cause },
    );
  }
}

async function verify(token: string, keys: Keys, issuer: string, audience: string): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      // Google's tokens have named it both ways.
      issuer: [issuer, issuer.replace('https://accounts.google.com', 'accounts.google.com')],
      audience,
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'sub'],
      clockTolerance: 10,
    });
    return payload;
  } catch (cause) {
    if (!isFaultOfToken(cause)) {
      throw new PageturnerError('unavailable', "The issuer's keys cannot be had.", { cause });
    }
    throw new PageturnerError(
      'unauthenticated',
      `The token does not verify: ${faultOf(cause, issuer, audience)}.`,
      { cause },
    );
  }
}

/** What is wrong with the keys or the way to them is no fault of the caller; jose has a code of its own for all else. */
function isFaultOfToken(error: unknown): error is errors.JOSEError {
  if (!(error instanceof errors.JOSEError)) return false;
  return !['ERR_JOSE_GENERIC', errors.JWKSInvalid.code, errors.JWKSTimeout.code].includes(error.code);
}

function faultOf(error: errors.JOSEError, issuer: string, audience: string): string {
  if (error instanceof errors.JWTExpired) return 'it has expired; get a new one';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud')
      return `its audience is not this function; ask for a token with audience ${audience}`;
    if (error.claim === 'iss') return `its issuer is not ${issuer}`;
    return `its claim ${error.claim} is missing or wrong`;
  }
  if (error instanceof errors.JWKSNoMatchingKey) return `it is not signed by a key of ${issuer}`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong';
  return 'it is not a token in the JWT form';
}

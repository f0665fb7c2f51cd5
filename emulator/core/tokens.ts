/** The life of every token, as Google gives it. */
export const TOKEN_LIFETIME_SECONDS = 3600;

/** What a task that names no scope asks for. */
export const DEFAULT_SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

export interface AccessClaims {
  readonly email: string;
  readonly scope: string;
}

/** What an access token stands for. */
export interface AccessInfo extends AccessClaims {
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/** Mints the tokens that Google would mint, for any service account that it is asked for, and publishes the key that verifies them. */
export interface Tokens {
  /** The `iss` of its tokens, and where a verifier finds the discovery document. */
  readonly issuer: string;
  /** An OIDC token that says: `email` speaks to `audience`. */
  idToken(claims: { readonly email: string; readonly audience: string }): Promise<string>;
  /** An OAuth access token. Like Google's it is opaque: nothing can be read from it. */
  accessToken(claims: AccessClaims): string;
  /** What an access token stands for; undefined if it was not minted here or has expired. */
  readAccessToken(token: string): AccessInfo | undefined;
  /** The public key as a JSON Web Key Set. */
  jwks(): Promise<{ readonly keys: readonly object[] }>;
  /** The public key as X.509 certificates in PEM, by key id. */
  certificates(): Promise<Readonly<Record<string, string>>>;
}

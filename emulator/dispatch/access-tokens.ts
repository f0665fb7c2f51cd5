import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { TOKEN_LIFETIME_SECONDS } from '../core/tokens.ts';
import type { AccessClaims, AccessInfo } from '../core/tokens.ts';

const PREFIX = 'ya29.';
const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Google's tokens are longer than what there is to say. */
const PADDING_BYTES = 64;

/** Opaque access tokens. What they stand for travels in them, sealed, so that nothing is kept; they end with the process. */
export class AccessTokens {
  readonly #key = randomBytes(32);

  mint({ email, scope }: AccessClaims, nowMs: number): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, iv);
    const expiresAt = Math.floor(nowMs / 1000) + TOKEN_LIFETIME_SECONDS;
    const claims = JSON.stringify({ email, scope, expiresAt } satisfies AccessInfo).padEnd(PADDING_BYTES);
    const sealed = Buffer.concat([iv, cipher.update(claims, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return PREFIX + sealed.toString('base64url');
  }

  /** What the token stands for; undefined if it was not minted here or has expired. */
  read(token: string, nowMs: number): AccessInfo | undefined {
    const sealed = Buffer.from(token.slice(PREFIX.length), 'base64url');
    if (PREFIX + sealed.toString('base64url') !== token || sealed.length < IV_BYTES + TAG_BYTES)
      return undefined;
    const decipher = createDecipheriv(CIPHER, this.#key, sealed.subarray(0, IV_BYTES));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      const claims =
        decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
      const info = JSON.parse(claims) as AccessInfo;
      return info.expiresAt * 1000 > nowMs ? info : undefined;
    } catch {
      return undefined;
    }
  }
}

import { expect, test } from 'vitest';
import { AccessTokens } from '../../../emulator/dispatch/access-tokens.ts';

const NOW = Date.UTC(2026, 0, 1);
const CLAIMS = { email: 'a@b.iam.gserviceaccount.com', scope: 'one two' };

test('an access token stands for what it was minted for, for an hour', () => {
  const tokens = new AccessTokens();
  const token = tokens.mint(CLAIMS, NOW);
  expect(tokens.read(token, NOW + 3_599_999)).toEqual({ ...CLAIMS, expiresAt: NOW / 1000 + 3600 });
  expect(tokens.read(token, NOW + 3_600_000)).toBeUndefined();
});

test.each<[string, (token: string) => string]>([
  ['nothing', () => ''],
  ['a prefix', () => 'ya29.'],
  ['some other text', () => 'ya29.AAAA'],
  [
    'a token that was changed',
    (token) => token.replace(/.(?=.{5}$)/, (letter) => (letter === 'A' ? 'B' : 'A')),
  ],
  ['a token with more behind it', (token) => `${token}AAAA`],
  ['a token of another emulator', () => new AccessTokens().mint(CLAIMS, NOW)],
])('%s stands for nothing', (_, spoil) => {
  const tokens = new AccessTokens();
  expect(tokens.read(spoil(tokens.mint(CLAIMS, NOW)), NOW)).toBeUndefined();
});

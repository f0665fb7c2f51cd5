import { KeyObject, X509Certificate, type webcrypto } from 'node:crypto';
import { generateKeyPair } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { selfSignedCertificate } from '../../../emulator/dispatch/certificate.ts';
import { generateSigningKey } from '../../../emulator/dispatch/token-signer.ts';

let keys: webcrypto.CryptoKeyPair;

beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
});

async function certify(
  changes: { commonName?: string; notBefore?: Date; notAfter?: Date } = {},
): Promise<string> {
  const dates = { notBefore: new Date('2026-01-02T03:04:05Z'), notAfter: new Date('2126-06-07T08:09:10Z') };
  return await selfSignedCertificate(keys, { commonName: 'emulator', ...dates, ...changes });
}

describe('a certificate', () => {
  test('is read by Node with all that was said', async () => {
    const certificate = new X509Certificate(await certify());
    expect(certificate).toMatchObject({ subject: 'CN=emulator', issuer: 'CN=emulator' });
    const version3 = Buffer.from('a003020102', 'hex');
    expect(certificate.raw.indexOf(version3)).toBe(8);
    expect(certificate.validFromDate).toEqual(new Date('2026-01-02T03:04:05Z'));
    expect(certificate.validToDate).toEqual(new Date('2126-06-07T08:09:10Z'));
    expect(certificate.publicKey.equals(KeyObject.from(keys.publicKey))).toBe(true);
  });

  test('is signed by its own key and by no other', async () => {
    const certificate = new X509Certificate(await certify());
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkIssued(certificate)).toBe(true);
    const other = await generateKeyPair('RS256', { extractable: true });
    expect(certificate.verify(KeyObject.from(other.publicKey))).toBe(false);
  });

  test.each([0, 1, 63, 64, 127, 128, 255, 256, 1000])('may have a name of %d letters', async (length) => {
    const commonName = 'n'.repeat(length);
    const certificate = new X509Certificate(await certify({ commonName }));
    expect(certificate.subject ?? '').toBe(`CN=${commonName}`);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  test('is in PEM, in lines of 64 letters at most', async () => {
    const lines = (await certify()).split('\n');
    expect(lines[0]).toBe('-----BEGIN CERTIFICATE-----');
    expect(lines.slice(-2)).toEqual(['-----END CERTIFICATE-----', '']);
    expect(Math.max(...lines.map(({ length }) => length))).toBe(64);
  });
});

test('the certificate of a signing key is good from a day before it was made, for a year', async () => {
  const { certificatePem } = await generateSigningKey(new Date('2026-03-02T00:00:00Z'));
  const certificate = new X509Certificate(certificatePem);
  expect(certificate.validFromDate).toEqual(new Date('2026-03-01T00:00:00Z'));
  expect(certificate.validToDate).toEqual(new Date('2027-03-02T00:00:00Z'));
});

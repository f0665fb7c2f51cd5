import type { webcrypto } from 'node:crypto';

/**
 * A self-signed X.509 certificate in PEM, for verifiers that take keys in no other form. Node reads certificates but cannot make
 * them, so the few fields that one needs are written here (RFC 5280, section 4.1).
 */
export async function selfSignedCertificate(
  keys: { readonly publicKey: webcrypto.CryptoKey; readonly privateKey: webcrypto.CryptoKey },
  options: { commonName: string; notBefore: Date; notAfter: Date },
): Promise<string> {
  const name = sequence(set(sequence(COMMON_NAME, der(UTF8_STRING, Buffer.from(options.commonName)))));
  const publicKeyInfo = Buffer.from(await crypto.subtle.exportKey('spki', keys.publicKey));
  const certificate = sequence(
    VERSION_3,
    SERIAL_NUMBER,
    SHA256_WITH_RSA,
    name,
    sequence(time(options.notBefore), time(options.notAfter)),
    name,
    publicKeyInfo,
  );
  const signature = Buffer.from(await crypto.subtle.sign('RSASSA-PKCS1-v1_5', keys.privateKey, certificate));
  const signed = sequence(certificate, SHA256_WITH_RSA, der(BIT_STRING, Buffer.from([0]), signature));
  const lines = signed.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const NULL = 0x05;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const CONTEXT_0 = 0xa0;

const VERSION_3 = der(CONTEXT_0, der(INTEGER, Buffer.from([2])));
const SERIAL_NUMBER = der(INTEGER, Buffer.from([1]));
/** 1.2.840.113549.1.1.11 */
const SHA256_WITH_RSA = sequence(der(OBJECT_IDENTIFIER, Buffer.from('2a864886f70d01010b', 'hex')), der(NULL));
/** 2.5.4.3 */
const COMMON_NAME = der(OBJECT_IDENTIFIER, Buffer.from('550403', 'hex'));

function sequence(...parts: Buffer[]): Buffer {
  return der(SEQUENCE, ...parts);
}

function set(...parts: Buffer[]): Buffer {
  return der(SET, ...parts);
}

function time(date: Date): Buffer {
  return der(GENERALIZED_TIME, Buffer.from(`${date.toISOString().replaceAll(/\D/g, '').slice(0, 14)}Z`));
}

/** One value in DER: its tag, its length, its content. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const digits = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, 0x80 | digits.length]), digits, content]);
}

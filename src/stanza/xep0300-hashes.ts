/**
 * XEP-0300: Use of Cryptographic Hash Functions in XMPP
 * https://xmpp.org/extensions/xep-0300.html, version 1.0.0 (2019-11-13)
 *
 * COMPAT: Libervia 0.9 puts base64 of the hash's *hex text* on the wire; such a value is read
 * as the hash it means. What we write is always base64 of the bytes; Libervia 0.9 can't read that,
 * waits five seconds for another checksum, and ends the session with success, having checked nothing.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { type Element, is, requiredAttribute, xml } from './xml.js';

/** Hash functions by their name on the wire (XEP-0300 §2: its own and IANA's, without MD2, MD5 and SHAKE), with the length of a value in bytes. */
export const HashAlgorithm = {
  'sha-1': 20,
  'sha-224': 28,
  'sha-256': 32,
  'sha-384': 48,
  'sha-512': 64,
  'sha3-256': 32,
  'sha3-512': 64,
  'blake2b-256': 32,
  'blake2b-512': 64,
} as const;
export type HashAlgorithm = keyof typeof HashAlgorithm;

/** A hash value: `value` is canonical base64 of exactly as many bytes as the function yields. */
export interface Hash {
  readonly algo: HashAlgorithm;
  readonly value: string;
}

export function isHashAlgorithm(text: string): text is HashAlgorithm {
  return Object.hasOwn(HashAlgorithm, text);
}

/** Checks and canonicalises a hash value. Throws {@link ParseError} naming `field`. */
export function parseHash(algo: string, value: string, field = 'hash'): Hash {
  if (!isHashAlgorithm(algo)) {
    throw new ParseError(
      `'${field}' names a hash function that is not one of ${Object.keys(HashAlgorithm).join(', ')}`,
      {
        field,
      },
    );
  }
  const text = value.replace(/\s+/g, '');
  const size = HashAlgorithm[algo];
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text)) {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length === size) return { algo, value: bytes.toString('base64') };
    const hex = bytes.toString('latin1');
    if (bytes.length === size * 2 && /^[0-9a-fA-F]+$/.test(hex)) {
      return { algo, value: Buffer.from(hex, 'hex').toString('base64') };
    }
  }
  throw new ParseError(`'${field}' must be base64 of ${size} bytes for ${algo}`, { field });
}

/** Reads the form `algo:base64` that criteria and the command line use. Throws {@link ParseError}. */
export function parseHashText(text: string, field = 'hash'): Hash {
  const colon = text.indexOf(':');
  if (colon < 0) throw new ParseError(`'${field}' must look like sha-256:BASE64`, { field });
  return parseHash(text.slice(0, colon).toLowerCase(), text.slice(colon + 1), field);
}

export function formatHash(hash: Hash): string {
  return `${hash.algo}:${hash.value}`;
}

/** `<hash/>` with a value. */
export const hashCodec: Codec<Hash> = {
  fromXml(element: Element): Hash {
    if (!is(element, 'hash', NS.hashes2) && !is(element, 'hash', NS.hashes1)) {
      throw new ParseError('not a <hash/>', { field: 'hash' });
    }
    return parseHash(requiredAttribute(element, 'algo'), element.getText());
  },
  toXml: (hash) => xml('hash', { xmlns: NS.hashes2, algo: hash.algo }, hash.value),
};

/** `<hash-used/>`: the function whose value follows later (XEP-0300 §3). */
export const hashUsedCodec: Codec<HashAlgorithm> = {
  fromXml(element) {
    const algo = requiredAttribute(element, 'algo');
    if (!isHashAlgorithm(algo)) throw new ParseError('unknown hash function', { field: 'algo' });
    return algo;
  },
  toXml: (algo) => xml('hash-used', { xmlns: NS.hashes2, algo }),
};

/** The feature that says that we know a function (XEP-0300 §5). */
export function hashFunctionFeature(algo: HashAlgorithm): string {
  return `urn:xmpp:hash-function-text-names:${algo}`;
}

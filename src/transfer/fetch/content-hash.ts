/** XEP-0300's hash functions, as far as `node:crypto` has them. */
import { createHash, type Hash as Hasher } from 'node:crypto';
import type { Hash, HashAlgorithm } from '../../stanza/xep0300-hashes.js';

const NODE_NAMES: { readonly [algo in HashAlgorithm]?: string } = {
  'sha-1': 'sha1',
  'sha-224': 'sha224',
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
  'sha3-256': 'sha3-256',
  'sha3-512': 'sha3-512',
  'blake2b-512': 'blake2b512', // blake2b-256 is another function than its first half, and OpenSSL has it not
};

/** A hash of bytes as they come; `value` may be asked at any time. */
export class ContentHash {
  readonly #hasher: Hasher;

  private constructor(
    readonly algo: HashAlgorithm,
    hasher: Hasher,
  ) {
    this.#hasher = hasher;
  }

  /** Undefined for a function that can't be computed here. */
  static of(algo: HashAlgorithm): ContentHash | undefined {
    const name = NODE_NAMES[algo];
    return name === undefined ? undefined : new ContentHash(algo, createHash(name));
  }

  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
  }

  value(): Hash {
    return { algo: this.algo, value: this.#hasher.copy().digest('base64') };
  }
}

export function canCompute(algo: HashAlgorithm): boolean {
  return NODE_NAMES[algo] !== undefined;
}

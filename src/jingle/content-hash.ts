/** XEP-0300's hash functions: those of `node:crypto`, and BLAKE2b with 256 bits, which it has not. */
import { createHash, type Hash as Hasher } from 'node:crypto';
import type { Hash, HashAlgorithm } from '../stanza/xep0300-hashes.js';
import { Blake2b } from './blake2b.js';

const NODE_NAMES: Readonly<Record<Exclude<HashAlgorithm, 'blake2b-256'>, string>> = {
  'sha-1': 'sha1',
  'sha-224': 'sha224',
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
  'sha3-256': 'sha3-256',
  'sha3-512': 'sha3-512',
  'blake2b-512': 'blake2b512',
};

/** A hash of bytes as they come; `value` may be asked at any time. */
export class ContentHash {
  readonly #hasher: Hasher | Blake2b;

  constructor(readonly algo: HashAlgorithm) {
    this.#hasher = algo === 'blake2b-256' ? new Blake2b(32) : createHash(NODE_NAMES[algo]);
  }

  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
  }

  value(): Hash {
    return { algo: this.algo, value: this.#hasher.copy().digest().toString('base64') };
  }
}

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Blake2b } from '../../src/jingle/blake2b.js';
import { ContentHash } from '../../src/jingle/content-hash.js';
import { HashAlgorithm } from '../../src/stanza/xep0300-hashes.js';

describe('ContentHash', () => {
  it('has every function that XEP-0300 names, with a value of its length', () => {
    for (const [algo, bytes] of Object.entries(HashAlgorithm)) {
      const hash = new ContentHash(algo as keyof typeof HashAlgorithm);
      hash.update(Buffer.from('abc'));
      assert.equal(Buffer.from(hash.value().value, 'base64').length, bytes, algo);
    }
  });

  it('tells the value at any time, and goes on', () => {
    const hash = new ContentHash('blake2b-256');
    const empty = hash.value().value;
    hash.update(Buffer.from('abc'));
    assert.notEqual(hash.value().value, empty);
    assert.equal(hash.value().value, hash.value().value);
  });
});

describe('Blake2b', () => {
  const hex = (length: number, text: string) =>
    new Blake2b(length).update(Buffer.from(text)).digest().toString('hex');

  it('gives with 256 bits what b2sum -l 256 does', () => {
    assert.equal(hex(32, ''), '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8');
    assert.equal(hex(32, 'abc'), 'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319');
  });

  it('gives with 512 bits what OpenSSL does, however the bytes come', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 6 }), (pieces) => {
        const ours = new Blake2b(64);
        for (const piece of pieces) ours.update(piece);
        const theirs = createHash('blake2b512').update(Buffer.concat(pieces)).digest('hex');
        assert.equal(ours.digest().toString('hex'), theirs);
      }),
    );
    for (const length of [127, 128, 129, 256, 257]) {
      const bytes = Buffer.alloc(length, 0xa5);
      const theirs = createHash('blake2b512').update(bytes).digest('hex');
      assert.equal(new Blake2b(64).update(bytes).digest().toString('hex'), theirs, String(length));
    }
  });
});

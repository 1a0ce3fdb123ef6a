import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  extensionOf,
  fromBytes,
  isBelow,
  join,
  parentOf,
  parseShareRelativePath,
  toBytes,
  toDisplay,
} from '../../src/catalogue/share-path.js';
import { ParseError } from '../../src/errors.js';

/** Bytes of a file name: no slash, no NUL, and now and then something that looks like UTF-8 and is not. */
const nameBytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 4 }),
      fc
        .string({ unit: 'grapheme', minLength: 1, maxLength: 3 })
        .map((text) => new Uint8Array(Buffer.from(text))),
      fc.constantFrom(
        [0xed, 0xb3, 0xbf],
        [0xc0, 0x80],
        [0xf4, 0x90, 0x80, 0x80],
        [0xe2, 0x82],
        [0xef, 0xbb, 0xbf],
      ),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((pieces) =>
    Buffer.concat(pieces.map((piece) => Buffer.from(piece))).filter((byte) => byte !== 0 && byte !== 0x2f),
  )
  .map((bytes) => Buffer.from(bytes))
  .filter((bytes) => bytes.length > 0 && !bytes.equals(Buffer.from('.')) && !bytes.equals(Buffer.from('..')));

describe('share path', () => {
  it('gives every file name back as it was', () => {
    fc.assert(
      fc.property(nameBytes, (bytes) => {
        const text = fromBytes(bytes);
        assert.deepEqual(toBytes(text), bytes);
        assert.equal(parseShareRelativePath(`a/${text}`), `a/${text}`);
        assert.ok(toDisplay(text).isWellFormed());
      }),
      { numRuns: 2000 },
    );
  });

  it('accepts one spelling only of each file', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.array(fc.integer({ min: 0xd800, max: 0xdfff })),
        (text, lone) => {
          const spelling = text + String.fromCharCode(...lone);
          let accepted: string;
          try {
            accepted = parseShareRelativePath(spelling);
          } catch (error) {
            assert.ok(error instanceof ParseError);
            return;
          }
          assert.equal(fromBytes(toBytes(accepted)), accepted);
        },
      ),
      { numRuns: 2000 },
    );
    // U+DCC3 U+DCA9 stand for the bytes of é, which is written é.
    assert.throws(() => parseShareRelativePath('\udcc3\udca9'), ParseError);
    assert.throws(() => parseShareRelativePath('\ud800'), ParseError);
  });

  it('refuses what is no path inside a share', () => {
    for (const path of [
      '',
      '/',
      '/etc',
      'a/',
      'a//b',
      '.',
      '..',
      'a/../b',
      '../a',
      'a/.',
      'a\0b',
      'x'.repeat(5000),
    ]) {
      assert.throws(() => parseShareRelativePath(path), ParseError, JSON.stringify(path));
    }
    for (const path of ['a', 'a/b', '...', 'a..b', '%2e%2e/x', 'a\nb', '~', '\\', 'x'.repeat(255)]) {
      assert.equal(parseShareRelativePath(path), path);
    }
  });

  it('keeps different broken names apart', () => {
    assert.notEqual(fromBytes(Buffer.from([0xff])), fromBytes(Buffer.from([0xfe])));
    assert.equal(fromBytes(Buffer.from([0x61, 0xff, 0xc3, 0xa9])), 'a\udcffé');
  });

  it('reads extensions and folders', () => {
    assert.deepEqual(['a/b.TXT', 'a.b/c', '.bashrc', 'x.tar.gz', 'end.'].map(extensionOf), [
      'txt',
      '',
      '',
      'gz',
      '',
    ]);
    assert.deepEqual(['a', 'a/b', 'a/b/c'].map(parentOf), ['', 'a', 'a/b']);
    assert.deepEqual(
      [join('', 'a'), join('a', ''), join('/', 'a'), join('/a', 'b/c')],
      ['a', 'a', '/a', '/a/b/c'],
    );
    assert.deepEqual(
      [
        isBelow('/a', '/a/b'),
        isBelow('/a', '/ab'),
        isBelow('/a', '/a'),
        isBelow('/', '/a'),
        isBelow('', 'a'),
      ],
      [true, false, false, true, true],
    );
  });
});

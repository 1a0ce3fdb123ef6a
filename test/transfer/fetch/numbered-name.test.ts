import assert from 'node:assert/strict';
import fc from 'fast-check';
import { numberedName } from '../../../src/transfer/fetch/numbered-name.js';
import { safeFileName } from '../../../src/transfer/fetch/safe-file-name.js';

describe('a numbered name', () => {
  it('keeps the extension', () => {
    assert.equal(numberedName('song.ogg', 1), 'song.ogg');
    assert.equal(numberedName('song.ogg', 2), 'song (2).ogg');
    assert.equal(numberedName('a.tar.gz', 3), 'a.tar (3).gz');
    assert.equal(numberedName('README', 2), 'README (2)');
    assert.equal(
      numberedName('Mr. and Mrs. with a long tail of words', 2),
      'Mr. and Mrs. with a long tail of words (2)',
    );
  });

  it('is another one for each number, fits a file system, and is as safe as the name', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.integer({ min: 2, max: 1000 }),
        (text, number) => {
          const name = safeFileName(text);
          const numbered = numberedName(name, number);
          assert.ok(Buffer.byteLength(numbered) <= 255);
          assert.notEqual(numbered, name);
          assert.notEqual(numbered, numberedName(name, number + 1));
          assert.ok(!numbered.includes('/') && !numbered.startsWith('.'));
        },
      ),
    );
  });
});

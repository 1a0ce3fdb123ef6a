import assert from 'node:assert/strict';
import fc from 'fast-check';
import { safeFileName } from '../../../src/transfer/fetch/safe-file-name.js';

describe('safeFileName', () => {
  const cases: readonly (readonly [name: string, safe: string, why: string])[] = [
    ['Romeo and Juliet.epub', 'Romeo and Juliet.epub', 'a good name stays'],
    ['Ромео и Джульетта: 1.pdf', 'Ромео и Джульетта: 1.pdf', 'so does one in any script'],
    ['books/plays/romeo.txt', 'romeo.txt', 'folders go'],
    ['../../etc/passwd', 'passwd', 'so do ways out'],
    ['/etc/cron.d/x', 'x', 'absolute ones too'],
    ['a/..', 'file', 'a way up is no name'],
    ['', 'file', 'nothing'],
    ['///', 'file', 'only separators'],
    ['..\\..\\win.ini', '_._.._win.ini', 'the separators of other systems'],
    ['.bashrc', '_bashrc', 'nothing hidden'],
    ['-rf', '_rf', 'no options'],
    ['a\u0000b\nc\u001b[2Jd', 'a_b_c_[2Jd', 'no controls'],
    ['invoice\u202efdp.exe', 'invoice_fdp.exe', 'no turned writing'],
    ['bad\udcff.txt', 'bad\ufffd.txt', 'no half characters'],
    ['  spaced. . ', 'spaced', 'no ends that get lost'],
    ['con', '_con', 'no devices'],
    ['LPT1.txt', '_LPT1.txt', 'not with an extension either'],
    ['console.txt', 'console.txt', 'what only begins like one is none'],
  ];
  for (const [name, safe, why] of cases) {
    it(`${JSON.stringify(name)} becomes ${JSON.stringify(safe)}: ${why}`, () => {
      assert.equal(safeFileName(name), safe);
    });
  }

  it('cuts a long name by whole characters and keeps its extension', () => {
    const safe = safeFileName(`${'物'.repeat(200)}.flac`);
    assert.ok(Buffer.byteLength(safe) <= 255 && Buffer.byteLength(safe) > 250);
    assert.match(safe, /^物+\.flac$/u);
  });

  it('is safe whatever a peer sends, and stays as it is when made safe again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
        const safe = safeFileName(name);
        assert.ok(Buffer.byteLength(safe) <= 255 && safe !== '' && safe.isWellFormed());
        assert.doesNotMatch(safe, /[/\\\p{Cc}]|^[.-]|^\.{1,2}$/u);
        assert.equal(safeFileName(safe), safe);
      }),
    );
  });

  it('takes no longer than it should for a name made to be slow', () => {
    for (const piece of ['/', '.', ' ', '_', '. ', '\u202e']) {
      const name = `${piece.repeat(500_000)}a`;
      const start = performance.now();
      safeFileName(name);
      safeFileName(`a${name}a`);
      assert.ok(performance.now() - start < 2000, JSON.stringify(piece));
    }
  });
});

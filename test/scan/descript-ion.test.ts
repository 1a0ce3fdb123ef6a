import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isDescriptionFile, parseDescriptions } from '../../src/scan/descript-ion.js';

const parse = (text: string) => Object.fromEntries(parseDescriptions(Buffer.from(text)));

describe('descript.ion', () => {
  it('is read line by line', () => {
    assert.deepEqual(
      parse('a.txt First one\r\n"b c.txt"  Second\tone \n\nnoname\n"open quote text\nd \u0004x'),
      {
        'a.txt': 'First one',
        'b c.txt': 'Second\tone',
        '"open': 'quote text',
      },
    );
    assert.deepEqual(parse('\uFEFFa With a mark before it'), { a: 'With a mark before it' });
    assert.deepEqual(parse('a What is shown\u0004\u00c2what another program wrote'), { a: 'What is shown' });
    assert.deepEqual(parse('a one\na two'), { a: 'two' });
    assert.equal(parse(`a ${'x'.repeat(10_000)}`).a?.length, 500);
  });

  it('may be anything', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const text of parseDescriptions(bytes).values()) assert.ok(text.isWellFormed() && text !== '');
      }),
    );
  });

  it('takes no more than linear time', () => {
    const began = performance.now();
    parseDescriptions(Buffer.from(`"${'a '.repeat(500_000)}`));
    parseDescriptions(Buffer.from(`${'"'.repeat(1_000_000)}`));
    parseDescriptions(Buffer.from(`a${' '.repeat(1_000_000)}`));
    assert.ok(performance.now() - began < 2000);
  });

  it('is known by its name in either case', () => {
    assert.deepEqual(
      ['descript.ion', 'DESCRIPT.ION', 'descript.io', 'descript.ion2'].map(isDescriptionFile),
      [true, true, false, false],
    );
  });
});

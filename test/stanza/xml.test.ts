import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parse } from 'ltx';
import { ParseError } from '../../src/errors.js';
import { parseCount, xml, xmlSafe } from '../../src/stanza/xml.js';

describe('xml', () => {
  it('lets no character out that XML 1.0 forbids', () => {
    assert.equal(xmlSafe('a\u0001b\u0000c\uFFFEd\uD800e\u001Bf'), 'a\uFFFDb\uFFFDc\uFFFDd\uFFFDe\uFFFDf');
    assert.equal(xmlSafe('tab\tline\nreturn\r 😀 é'), 'tab\tline\nreturn\r 😀 é');
  });

  it('writes any text so that a parser reads it back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const element = xml('a', { b: text }, text);
        const read = parse(element.toString());
        assert.equal(read.getText(), xmlSafe(text));
        assert.equal(read.attrs.b, xmlSafe(text));
      }),
    );
  });

  it('reads whole numbers only', () => {
    assert.equal(parseCount('9007199254740991', 'size'), Number.MAX_SAFE_INTEGER);
    for (const wrong of [
      '',
      '-1',
      '+1',
      '1.0',
      '1e3',
      ' 1',
      '0x10',
      '9007199254740992',
      '99999999999999999999',
      '１',
    ]) {
      assert.throws(() => parseCount(wrong, 'size'), ParseError, wrong);
    }
  });
});

import assert from 'node:assert/strict';
import { ParseError } from '../../src/errors.js';
import { bareOf, domainOf, isFull, parseBareJid, parseJid } from '../../src/stanza/jid.js';

describe('jid', () => {
  it('normalises local part and domain, and leaves the resource as it is', () => {
    assert.equal(parseJid('Juliet@Capulet.Example./Balcony'), 'juliet@capulet.example/Balcony');
    assert.equal(parseJid('files.example.org'), 'files.example.org');
    assert.equal(parseJid('a@b/c/d@e'), 'a@b/c/d@e');
    assert.equal(parseJid('cafe\u0301@example.org'), 'café@example.org');
  });

  it('takes apart', () => {
    const jid = parseJid('juliet@capulet.example/balcony/x');
    assert.equal(bareOf(jid), 'juliet@capulet.example');
    assert.equal(domainOf(jid), 'capulet.example');
    assert.equal(isFull(jid), true);
    assert.equal(isFull(parseJid('capulet.example')), false);
  });

  for (const wrong of [
    '',
    '@b',
    'a@',
    'a@b/',
    '/c',
    'a b@c',
    'a@b c',
    '<@b',
    'a@b@c',
    `a@${'b'.repeat(1024)}`,
    'a@b/\u0000',
  ]) {
    it(`refuses ${JSON.stringify(wrong.slice(0, 20))}`, () =>
      assert.throws(() => parseJid(wrong), ParseError));
  }

  it('refuses a resource where none belongs', () => {
    assert.throws(
      () => parseBareJid('a@b/c', 'service'),
      (error: unknown) => error instanceof ParseError && error.field === 'service',
    );
  });
});

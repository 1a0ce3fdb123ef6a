import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { isLiteral, requiredLiterals } from '../../src/query/ere-literals.js';
import { parseEre } from '../../src/query/ere-parse.js';

function literals(pattern: string, caseSensitive: boolean): string[] {
  return requiredLiterals(parseEre(pattern), { caseSensitive }).map((bytes) => Buffer.from(bytes).toString());
}

describe('requiredLiterals', () => {
  const cases: [pattern: string, texts: string[]][] = [
    ['abc', ['abc']],
    ['^abc$', ['abc']],
    ['Nocturne.*\\.mp3$', ['Nocturne', '.mp3']],
    ['^(IMG|DSC)_2019[0-9]{4}_[0-9]+\\.jpe?g$', ['_2019', '.jp', 'g']],
    ['a|b', []],
    ['x(a|b)y', ['x', 'y']],
    ['ab*c', ['a', 'c']],
    ['ab{0}c', ['ac']],
    ['ab{3}c', ['abbbc']],
    ['ab{2,3}c', ['abb', 'bbc']],
    ['(ab)+c', ['abc']],
    ['x(ab)+', ['xab']],
    ['(ab.)+', ['ab']],
    ['(ab.){2}', ['ab']],
    ['(a.b)c', ['bc', 'a']],
    ['a{40}', ['a'.repeat(16)]],
    ['[.]mp[3]', ['.mp3']],
    ['[Jj]a', ['a']],
    ['[^a]', []],
    ['.*', []],
    ['(aa|a).aba', ['aba']],
    ['война 物', ['война 物']],
  ];
  for (const [pattern, texts] of cases) {
    it(`of ${pattern} are ${texts.join(', ') || 'none'}`, () => {
      assert.deepEqual(literals(pattern, true), texts);
    });
  }

  it('are folded when case is ignored', () => {
    assert.deepEqual(literals('ΝΟΣ.[Jj]\u212a', false), ['νοσ', 'jk']);
  });
});

describe('isLiteral', () => {
  it('is so of texts, and of nothing that asks for more', () => {
    for (const pattern of ['a', 'Nocturne', 'x264\\.mkv', '物語'])
      assert.ok(isLiteral(parseEre(pattern)), pattern);
    for (const pattern of ['^a', 'a$', 'ab*', 'a|b', '[a]b', '.', '(ab)+'])
      assert.ok(!isLiteral(parseEre(pattern)), pattern);
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import lunr from 'lunr';
import { ParseError } from '../../src/errors.js';
import { QueryParser } from '../../src/index/lunr-internals.js';
import { type ChunkQuery, WordField } from '../../src/index/text-index.js';
import { hasRequired, MAX_TEXT_LENGTH, parseWordQuery } from '../../src/query/word-query.js';

/** A query in short: presence, fields if not all, chunks, boost if not 1. */
function shortOf(text: string): string[] {
  return parseWordQuery(text).clauses.map(({ presence, fields, chunks, boost }) => {
    const parts = chunks.map((chunk) => {
      if (chunk.type === 'wildcard') return chunk.pieces.join('*');
      if (chunk.type === 'fuzzy') return `${chunk.term}~${chunk.distance}`;
      const terms = chunk.terms.map(({ term, offset }) => `${term}@${offset}`).join('+');
      return chunk.whole === undefined ? terms : `(${terms}|${chunk.whole})`;
    });
    return [
      presence === 'required' ? '+' : '-',
      fields.length === 1 ? `${fields[0]}:` : '',
      parts.join(' '),
      boost === 1 ? '' : `^${boost}`,
    ].join('');
  });
}

function termOf(chunk: ChunkQuery | undefined): string | undefined {
  if (chunk?.type === 'fuzzy') return chunk.term;
  return chunk?.type === 'word' ? chunk.terms[0]?.term : undefined;
}

describe('word query', () => {
  const read: readonly (readonly [string, readonly string[]])[] = [
    ['romeo juliet -audio', ['+romeo@0', '+juliet@0', '-audio@0']],
    ['  +romeo\t ', ['+romeo@0']],
    ['jul* *liet j*t', ['+jul*', '+*liet', '+j*t']],
    ['"a phrase"', ['+a@0 phrase@0']],
    ['-"a phrase" x', ['-a@0 phrase@0', '+x@0']],
    ['name:romeo -path:audio', ['+name:romeo@0', '-path:audio@0']],
    ['desc:"old book"^3', ['+desc:old@0 book@0^3']],
    ['foo-bar', ['+foo@0 bar@0']],
    ['RomeoJuliet', ['+(romeo@0+juliet@1|romeojuliet)']],
    ['mp3', ['+(mp@0+3@1|mp3)']],
    ['東京都', ['+東京@0+京都@1']],
    ['東', ['+東@0']],
    ['第3章', ['+第@0+3@1+章@2']],
    ['*東京*', ['+東京@0']],
    ['romoe~1 juliet~2^4', ['+romoe~1', '+juliet~2^4']],
    ['mp3~1', ['+mp3~1']],
    ['word~0', ['+word@0']],
    ['IMG_20*', ['+img@0 20*']],
    ['BeyoncÉ*', ['+beyonce*']],
    ['Alien: Resurrection', ['+alien@0', '+resurrection@0']],
    ['Romeo & Juliet - Act 2', ['+romeo@0', '+juliet@0', '+act@0', '+2@0']],
    ['backup~ C:\\foo 100^', ['+backup@0', '+c@0 foo@0', '+100@0']],
    ['12:30', ['+12@0 30@0']],
    ['a\\*b', ['+a@0 b@0']],
    ['name\\:x', ['+name@0 x@0']],
    ['\\-minus', ['+minus@0']],
    ['say"two words"', ['+say@0', '+two@0 words@0']],
    ['"a \\" b"', ['+a@0 b@0']],
    ['--x', ['-x@0']],
    ['a**b', ['+a*b']],
    ['x\\*y*', ['+x@0 y*']],
    ['"jul*"', ['+jul@0']],
    ['+name:"a b"^2 x', ['+name:a@0 b@0^2', '+x@0']],
    ['romeo ^3', ['+romeo@0']],
    ['word~2~1', ['+word~1']],
  ];
  for (const [text, expected] of read) {
    it(`reads ${text}`, () => assert.deepEqual(shortOf(text), expected));
  }

  const refused: readonly (readonly [string, number | undefined, RegExp])[] = [
    ['', undefined, /no word/],
    ['& - "…"', undefined, /no word/],
    ['"open', 0, /not closed/],
    ['x "open', 2, /not closed/],
    ['x nmae:romeo', 2, /'nmae:'.*name:, path:, desc:, type:/],
    ['x *', 2, /letter beside/],
    ['word~3', 4, /2 mistakes at most/],
    ['wo*~1', 0, /either/],
    ['foo-bar~1', 0, /single word/],
    [`romeo ${'abcde'.repeat(5)}~2`, 6, /at most 24 letters/],
    [`${'abcdefghij'.repeat(100)}~2`, 0, /at most 24 letters/],
    ['東京~1', 0, /spaces/],
    ['"a b"~1', 0, /single word/],
    ['romeo ~1', 6, /single word/],
    ['a\\:b word^2~3', 11, /2 mistakes at most/],
    ['word^0', 4, /1 to 100/],
    ['word^101', 4, /1 to 100/],
    ['a*b*c*d*e*f', 0, /at most 4/],
    ['東*京', 0, /without spaces/],
    ['x'.repeat(MAX_TEXT_LENGTH + 1), undefined, /longer than/],
    ['x '.repeat(65), undefined, /more than 64 words/],
  ];
  for (const [text, position, reason] of refused) {
    it(`refuses ${text.slice(0, 40)}, and says where and why`, () => {
      assert.throws(
        () => parseWordQuery(text),
        (error) =>
          error instanceof ParseError &&
          error.field === 'text' &&
          error.position === position &&
          reason.test(error.message),
      );
    });
  }

  it('knows a query that only leaves out', () => {
    assert.equal(hasRequired(parseWordQuery('-audio -video')), false);
    assert.equal(hasRequired(parseWordQuery('-audio book')), true);
  });

  it('reads a text without phrases and punctuation as lunr does', () => {
    const letters = fc.string({ unit: fc.constantFrom(...'abcxyzжω'), minLength: 1, maxLength: 6 });
    const typed = fc.oneof(
      letters,
      letters.map((word) => word.toUpperCase()),
      letters.map((word) => `${word}*`),
      letters.map((word) => `*${word}`),
      fc.tuple(letters, letters).map(([one, other]) => `${one}*${other}`),
      fc.tuple(letters, fc.nat(2)).map(([word, distance]) => `${word}~${distance}`),
    );
    const sign = fc.constantFrom('', '', '+', '-');
    const field = fc.constantFrom('', '', ...WordField.map((each) => `${each}:`));
    const boost = fc.constantFrom('', '', '^1', '^7', '^100');
    const clause = fc.tuple(sign, field, typed, boost).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(clause, { minLength: 1, maxLength: 6 }), (texts) => {
        const text = texts.join(' ');
        const theirs = new QueryParser(text, new lunr.Query([...WordField])).parse().clauses;
        const ours = parseWordQuery(text).clauses;
        assert.deepEqual(
          ours.map(({ presence, fields, boost: weight, chunks: [chunk] }) => ({
            isProhibited: presence === 'prohibited',
            fields,
            boost: weight,
            distance: chunk?.type === 'fuzzy' ? chunk.distance : 0,
            term: chunk?.type === 'wildcard' ? chunk.pieces.join('*') : termOf(chunk),
          })),
          theirs.map(({ presence, fields, boost: weight, editDistance, term }) => ({
            isProhibited: presence === lunr.Query.presence.PROHIBITED,
            fields,
            boost: weight,
            distance: editDistance ?? 0,
            term,
          })),
          text,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('reads or refuses any text', () => {
    const special = fc.constantFrom(
      '"',
      '\\',
      '*',
      '~',
      '^',
      '-',
      '+',
      ':',
      ' ',
      '1',
      'a',
      'É',
      '東',
      '\ud800',
    );
    fc.assert(
      fc.property(fc.array(special, { maxLength: 30 }), (parts) => {
        try {
          const { clauses } = parseWordQuery(parts.join(''));
          assert.ok(clauses.every((clause) => clause.chunks.length > 0));
        } catch (error) {
          assert.ok(error instanceof ParseError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** Our index against a whole lunr index that evaluates the queries: the same matches. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type ChunkQuery, type TextDocument, WordField, type WordQuery } from '../../src/index/text-index.js';
import { tokensOf } from '../../src/index/tokenizer.js';
import { type TermClause, WholeLunrIndex } from '../support/lunr/whole-lunr-index.js';
import { PackedObjectIndex } from '../support/object-index.js';
import { makeDocuments, type Numbered } from '../support/text-corpus.js';
import { finish, hurried, unhurried } from '../support/work.js';

/** Clauses with terms of the documents, whole, cut to wildcards, or misspelled; some with terms that nobody has. */
function queries(documents: readonly TextDocument[]): fc.Arbitrary<TermClause[]> {
  const terms = [
    ...new Set(
      documents
        .slice(0, 300)
        .flatMap((each) => WordField.flatMap((field) => tokensOf(each[field]).map(({ term }) => term))),
    ),
    'nobody',
    'ничего',
  ];
  const term = fc.constantFrom(...terms);
  const part = (word: string, from: number, to: number) => [...word].slice(from, to).join('');
  const wildcard = fc.oneof(
    fc.tuple(term, fc.integer({ min: 1, max: 4 })).map(([word, most]) => `${part(word, 0, most)}*`),
    fc.tuple(term, fc.nat(3)).map(([word, from]) => `*${part(word, from, 99) || word}`),
    fc.tuple(term, fc.nat(2)).map(([word, from]) => `*${part(word, from, from + 2) || word}*`),
    fc.tuple(term, term).map(([one, other]) => `${part(one, 0, 1)}*${part(other, 0, 1)}`),
  );
  const letters = fc.constantFrom(...'aeioйь1');
  const misspelled = fc
    .tuple(
      term.filter((word) => word.length >= 3 && word.length <= 12),
      letters,
      fc.nat(12),
    )
    .map(([word, letter, at]) => word.slice(0, at) + letter + word.slice(at + 1));
  const asked: fc.Arbitrary<Pick<TermClause, 'term' | 'distance'>> = fc.oneof(
    { weight: 4, arbitrary: term.map((word) => ({ term: word })) },
    { weight: 3, arbitrary: wildcard.map((pattern) => ({ term: pattern })) },
    {
      weight: 2,
      arbitrary: fc.record({ term: misspelled, distance: fc.constantFrom<1 | 2>(1, 1, 2) }),
    },
  );
  const fields = fc.oneof(
    { weight: 2, arbitrary: fc.constant(WordField) },
    fc.constantFrom(...WordField).map((field) => [field]),
  );
  const presence = fc.constantFrom<TermClause['presence']>('required', 'required', 'prohibited');
  const clause = fc
    .tuple(presence, fields, asked)
    .map(([wanted, where, what]): TermClause => ({ presence: wanted, fields: where, ...what }));
  return fc.array(clause, { minLength: 1, maxLength: 3 });
}

function ourQuery(clauses: readonly TermClause[]): WordQuery {
  return {
    clauses: clauses.map(({ presence, fields, term, distance }) => ({
      presence,
      fields,
      chunks: [chunkOf(term, distance)],
      boost: 1,
    })),
  };
}

function chunkOf(term: string, distance: 1 | 2 | undefined): ChunkQuery {
  if (distance !== undefined) return { type: 'fuzzy', term, distance };
  if (term.includes('*')) return { type: 'wildcard', pieces: term.split('*') };
  return { type: 'word', terms: [{ term, offset: 0 }], length: 1, exact: term };
}

describe('PackedTextIndex, against a whole lunr index', () => {
  const sizes = [
    { documents: 200, queries: 3000 },
    { documents: 2000, queries: 1000 },
    { documents: 10_000, queries: 150 },
  ];
  for (const { documents: count, queries: asked } of sizes) {
    it(`finds the same for ${asked} queries over ${count} files`, function () {
      this.timeout(60_000);
      const seed = fc.sample(fc.integer(), 1)[0] ?? 0;
      const documents = makeDocuments(count, seed);
      const ours = new PackedObjectIndex<Numbered>({
        maxSegmentDocuments: count,
        mergeFactor: 4,
        maxExpandedTerms: 1_000_000,
      });
      const step = Math.ceil(count / 9);
      for (let from = 0; from < count; from += step) {
        ours.commit(finish(ours.prepare(documents.slice(from, from + step), unhurried)), []);
        finish(ours.maintain(hurried));
      }
      const staying = documents.filter(({ id }) => id % 5 !== 2);
      const going = documents.filter(({ id }) => id % 5 === 2);
      ours.commit(finish(ours.prepare([], unhurried)), going);
      const theirs = new WholeLunrIndex(staying);
      let found = 0;
      fc.assert(
        fc.property(queries(documents), (clauses) => {
          const expected = theirs.query(clauses).map((place) => staying[place]?.id);
          found += expected.length;
          const matches = finish(ours.searcher().search([ourQuery(clauses)], unhurried));
          const ids = [...matches.keys()].map(({ id }) => id).sort((one, other) => one - other);
          assert.deepEqual(ids, expected, `corpus ${seed}`);
        }),
        { numRuns: asked },
      );
      assert.ok(found > asked, `the queries find something: ${found}`);
    });
  }
});

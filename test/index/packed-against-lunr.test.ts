/** Our index against the one made of lunr indexes: the same matches with the same scores. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseWordQuery } from '../../src/query/word-query.js';
import { LunrTextIndex } from '../support/lunr/lunr-text-index.js';
import { type ObjectIndex, PackedObjectIndex } from '../support/object-index.js';
import { makeDocuments, type Numbered, queries } from '../support/text-corpus.js';
import { finish, hurried, unhurried } from '../support/work.js';

function results(index: ObjectIndex<Numbered>, asked: readonly string[]): string[] | string {
  try {
    const scores = finish(
      index.searcher().search(
        asked.map((text) => parseWordQuery(text)),
        unhurried,
      ),
    );
    return [...scores].map(([{ id }, score]) => `${id}:${score}`).sort();
  } catch (error) {
    return String(error);
  }
}

describe('PackedTextIndex, against lunr', () => {
  const sizes = [
    { documents: 300, queries: 1500, merged: false },
    { documents: 3000, queries: 300, merged: true },
    { documents: 10_000, queries: 80, merged: true },
  ];
  for (const { documents: count, queries: asked, merged } of sizes) {
    it(`gives the same for ${asked} queries over ${count} files`, function () {
      this.timeout(60_000);
      const seed = fc.sample(fc.integer(), 1)[0] ?? 0;
      const documents = makeDocuments(count, seed);
      // Many small segments and a good many merges.
      const ours = new PackedObjectIndex<Numbered>({
        maxSegmentDocuments: merged ? count : 64,
        mergeFactor: 3,
        maxExpandedTerms: 500,
      });
      const theirs = new LunrTextIndex<Numbered>({
        maxSegmentDocuments: 4096,
        mergeFactor: 8,
        maxExpandedTerms: 500,
      });
      theirs.commit(finish(theirs.prepare(documents, unhurried)), []);
      const going = documents.filter(({ id }) => id % 7 === 3);
      theirs.commit(finish(theirs.prepare([], unhurried)), going);
      const step = Math.ceil(count / 30);
      for (let from = 0; from < count; from += step) {
        ours.commit(finish(ours.prepare(documents.slice(from, from + step), unhurried)), []);
        if (merged) finish(ours.maintain(hurried));
      }
      ours.commit(finish(ours.prepare([], unhurried)), going);
      let found = 0;
      fc.assert(
        fc.property(queries(documents), (texts) => {
          const expected = results(theirs, texts);
          found += typeof expected === 'string' ? 0 : expected.length;
          assert.deepEqual(results(ours, texts), expected, `${texts.join(' | ')} (corpus ${seed})`);
        }),
        { numRuns: asked },
      );
      assert.ok(found > asked, `the queries find something: ${found}`);
    });
  }

  it('gives the same where lunr by itself loses a word for its digits', () => {
    const documents = makeDocuments(300, 2147483617);
    const ours = new PackedObjectIndex<Numbered>({
      maxSegmentDocuments: 64,
      mergeFactor: 3,
      maxExpandedTerms: 500,
    });
    const theirs = new LunrTextIndex<Numbered>({
      maxSegmentDocuments: 4096,
      mergeFactor: 8,
      maxExpandedTerms: 500,
    });
    ours.commit(finish(ours.prepare(documents, unhurried)), []);
    theirs.commit(finish(theirs.prepare(documents, unhurried)), []);
    const found = results(ours, ['s01ليلة*']);
    assert.equal(found.length, 1);
    assert.deepEqual(found, results(theirs, ['s01ليلة*']));
  });
});

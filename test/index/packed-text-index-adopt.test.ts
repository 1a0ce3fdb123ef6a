/** An index that starts from the saved segments of another. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PackedTextIndex } from '../../src/index/packed-text-index.js';
import { decodeSegment, encodeSegment } from '../../src/index/segment-codec.js';
import type { DocumentSource, TextDocument } from '../../src/index/text-index.js';
import { parseWordQuery } from '../../src/query/word-query.js';
import { makeDocuments } from '../support/text-corpus.js';
import { finish, hurried, unhurried } from '../support/work.js';

const INIT = { maxSegmentDocuments: 200, mergeFactor: 3, maxExpandedTerms: 10_000 };
const QUERIES = [
  'romeo',
  'мир -flac',
  '"the act"',
  'IMG*',
  '*er*',
  'romoe~2',
  '物語',
  'name:mp3 beyonce',
  '-mp3',
  'WiFi',
];

/** What is there, and where a number that was free is used again. */
class Files implements DocumentSource {
  readonly present = new Map<number, TextDocument>();

  document(id: number): TextDocument {
    const document = this.present.get(id);
    assert.ok(document, `nobody asks for ${id}, which is gone`);
    return document;
  }
}

function change(
  index: PackedTextIndex,
  files: Files,
  added: readonly TextDocument[],
  gone: readonly number[],
) {
  for (const id of gone) files.present.delete(id);
  const ids: number[] = [];
  for (let id = 0; ids.length < added.length; id++) if (!files.present.has(id)) ids.push(id);
  for (const [at, id] of ids.entries()) files.present.set(id, added[at] as TextDocument);
  index.commit(finish(index.prepare(ids, files, unhurried)), gone);
}

function results(index: PackedTextIndex, files: Files): string[][] {
  return QUERIES.map((text) =>
    finish(index.searcher().search([parseWordQuery(text)], files, unhurried))
      .flatMap(({ ids, scores }) => Array.from(ids, (id, at) => `${id}:${scores[at]}`))
      .sort(),
  );
}

/** As after saving and loading. */
function reloaded(index: PackedTextIndex): PackedTextIndex {
  const saved = index.segments().map(({ segment, tombstones }) => ({
    segment: decodeSegment(Buffer.concat(encodeSegment(segment))),
    dead: (ordinal: number) => tombstones.has(ordinal),
  }));
  const loaded = new PackedTextIndex(INIT);
  finish(loaded.adopt(saved, hurried));
  return loaded;
}

function fresh(files: Files): PackedTextIndex {
  const index = new PackedTextIndex(INIT);
  index.commit(finish(index.prepare([...files.present.keys()], files, unhurried)), []);
  return index;
}

describe('PackedTextIndex, from saved segments', () => {
  it('finds what the saved one found and a fresh one finds, however often it is saved, changed and merged', () => {
    const step = fc.record({
      added: fc.nat(60),
      gone: fc.array(fc.nat(), { maxLength: 30 }),
      merges: fc.nat(3),
      save: fc.boolean(),
    });
    let found = 0;
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 8, size: 'max' }),
        fc.integer(),
        (steps, seed) => {
          const files = new Files();
          let index = new PackedTextIndex(INIT);
          let next = 0;
          const documents = makeDocuments(8 * 60, seed);
          for (const { added, gone, merges, save } of steps) {
            const there = [...files.present.keys()];
            const going = [...new Set(gone.flatMap((at) => there[at % there.length] ?? []))];
            change(index, files, documents.slice(next, next + added), going);
            next += added;
            for (let left = merges; left > 0; left--) finish(index.maintain(hurried));
            if (!save) continue;
            const before = results(index, files);
            index = reloaded(index);
            assert.deepEqual(results(index, files), before);
          }
          const expected = results(fresh(files), files);
          assert.deepEqual(results(reloaded(index), files), expected);
          found += expected.flat().length;
        },
      ),
      { numRuns: 40 },
    );
    assert.ok(found > 1000, `the queries find something: ${found}`);
  });

  it('leaves out what has gone since the segments were saved, and takes its number again', () => {
    const files = new Files();
    const index = new PackedTextIndex(INIT);
    const file = (name: string) => ({ name, path: 'share', desc: '', type: '' });
    change(index, files, [file('romeo 1'), file('romeo 2'), file('romeo 3')], []);
    const segments = index.segments().map(({ segment }) => segment);
    const loaded = new PackedTextIndex(INIT);
    const saved = segments.map((segment) => ({ segment, dead: (at: number) => segment.ids[at] === 1 }));
    finish(loaded.adopt(saved, unhurried));
    files.present.delete(1);
    assert.deepEqual(
      results(loaded, files)[0]?.map((each) => each.split(':')[0]),
      ['0', '2'],
    );
    change(loaded, files, [file('romeo again')], [2]);
    assert.deepEqual(
      results(loaded, files)[0]?.map((each) => each.split(':')[0]),
      ['0', '1'],
    );
    assert.deepEqual(results(loaded, files), results(fresh(files), files));
  });

  it('shows nothing before all is settled, in slices', () => {
    const files = new Files();
    const index = new PackedTextIndex(INIT);
    change(index, files, makeDocuments(5000, 7), []);
    const loaded = new PackedTextIndex(INIT);
    const saved = index.segments().map(({ segment }) => ({ segment, dead: () => false }));
    const work = loaded.adopt(saved, hurried);
    let slices = 0;
    for (; !work.next().done; slices++) assert.deepEqual(loaded.segments(), []);
    assert.ok(slices >= 10, `${slices}`);
    assert.deepEqual(results(loaded, files), results(index, files));
  });

  it('adopts nothing once it was in use', () => {
    const files = new Files();
    const index = new PackedTextIndex(INIT);
    change(index, files, makeDocuments(3, 7), []);
    assert.throws(() => finish(index.adopt([], unhurried)), TypeError);
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LimitError } from '../../src/errors.js';
import { defaultTextIndexInit } from '../../src/index/packed-text-index.js';
import type { TextDocument } from '../../src/index/text-index.js';
import { parseWordQuery } from '../../src/query/word-query.js';
import { WholeLunrIndex } from '../support/lunr/whole-lunr-index.js';
import { PackedObjectIndex } from '../support/object-index.js';
import { finish, hurried, unhurried } from '../support/work.js';

interface Named extends TextDocument {
  readonly id: number;
}

const SMALL = { maxSegmentDocuments: 16, mergeFactor: 3, maxExpandedTerms: 1000 };

function file(full: string, id = 0, desc = '', type = ''): Named {
  const slash = full.lastIndexOf('/');
  return { id, name: full.slice(slash + 1), path: full.slice(0, Math.max(0, slash)), desc, type };
}

function indexOf(documents: readonly Named[], init = SMALL): PackedObjectIndex<Named> {
  const index = new PackedObjectIndex<Named>(init);
  add(index, documents);
  return index;
}

function add(
  index: PackedObjectIndex<Named>,
  documents: readonly Named[],
  removed: readonly Named[] = [],
): void {
  index.commit(finish(index.prepare(documents, unhurried)), removed);
}

function search(index: PackedObjectIndex<Named>, text: string): Named[] {
  const scores = finish(index.searcher().search([parseWordQuery(text)], hurried));
  return [...scores].sort(([, one], [, other]) => other - one).map(([document]) => document);
}

const names = (index: PackedObjectIndex<Named>, text: string) => search(index, text).map(({ name }) => name);

describe('PackedTextIndex', () => {
  describe('against one lunr index', () => {
    const vocabulary =
      'romeo juliet tybalt война мир naïve über ångström tom tomb bomb act acting 1597 23'.split(' ');
    const word = fc.constantFrom(...vocabulary);
    const text = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));
    const documents = fc
      .array(fc.tuple(text, text, text), { minLength: 1, maxLength: 60, size: 'max' })
      .map((files) =>
        files.map(([path, name, desc], id) => ({ ...file(`${path}/${name}`, id, desc), type: 'text/plain' })),
      );
    const term = fc.oneof(
      { weight: 4, arbitrary: word },
      fc.tuple(word, fc.nat(3)).map(([each, cut]) => `${each.slice(0, -1 - cut) || each[0]}*`),
      fc.tuple(word, fc.nat(3)).map(([each, cut]) => `*${each.slice(1 + cut) || each.at(-1)}`),
      fc
        .tuple(fc.constantFrom('romeo', 'tom', 'acting', 'julie'), fc.integer({ min: 1, max: 2 }))
        .map(([each, distance]) => `${each}~${distance}`),
    );
    const clause = fc
      .tuple(
        fc.constantFrom('+', '+', '-'),
        fc.constantFrom('', '', 'name:', 'path:', 'desc:', 'type:'),
        term,
      )
      .map((parts) => parts.join(''));
    const query = fc
      .array(clause, { minLength: 1, maxLength: 4 })
      .filter((clauses) => clauses.some((each) => each.startsWith('+')))
      .map((clauses) => clauses.join(' '));

    // Our words have no diacritics; lunr is given what the tokenizer makes of them.
    const plain = (asked: string) => asked.normalize('NFD').replace(/\p{Mn}/gu, '');

    it('finds the same files for the same query', () => {
      let found = 0;
      fc.assert(
        fc.property(documents, fc.array(query, { minLength: 8, maxLength: 8 }), (files, queries) => {
          const index = indexOf(files);
          const oracle = new WholeLunrIndex(files);
          for (const asked of queries) {
            const ours = search(index, asked).map(({ id }) => id);
            found += ours.length;
            assert.deepEqual(
              ours.sort((one, other) => one - other),
              oracle.search(plain(asked)),
              asked,
            );
          }
        }),
        { numRuns: 150 },
      );
      assert.ok(found > 300, `the queries find something: ${found}`);
    });
  });

  it('finds the same, with the same scores, however often files came, went and were merged', () => {
    const word = fc.constantFrom('romeo', 'juliet', 'RomeoJuliet', 'act2', '東京都', 'beyoncé');
    const step = fc.record({
      added: fc.array(fc.array(word, { minLength: 1, maxLength: 3 }), { maxLength: 12 }),
      removed: fc.array(fc.nat(), { maxLength: 6 }),
      merge: fc.nat(3),
    });
    const queries = [
      'romeo',
      'juliet -romeo',
      '"romeo juliet"',
      'act2 jul*',
      '京都',
      'beyonce',
      'rome~1',
      '-act',
    ];
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const index = new PackedObjectIndex<Named>(SMALL);
        let present: Named[] = [];
        let lastId = 0;
        for (const { added, removed, merge } of steps) {
          const going = new Set(removed.flatMap((at) => present[at % present.length] ?? []));
          const merging = index.maintain(hurried);
          merging.next(); // a merge that is under way while files go
          const coming = added.map((words) => file(`share/${words.join('-')}`, ++lastId));
          add(index, coming, [...going]);
          finish(merging);
          for (let left = merge; left > 0; left--) finish(index.maintain(unhurried));
          present = [...present.filter((each) => !going.has(each)), ...coming];
        }
        const fresh = indexOf(present, { ...SMALL, maxSegmentDocuments: 1000 });
        for (const text of queries) {
          const [ours, theirs] = [index, fresh].map((each) =>
            [...finish(each.searcher().search([parseWordQuery(text)], unhurried))]
              .map(([{ id }, score]) => `${id}:${score}`)
              .sort(),
          );
          assert.deepEqual(ours, theirs, text);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives a searcher the state in which it was made', () => {
    const [one, two, three] = [file('a/romeo one', 1), file('a/romeo two', 2), file('a/romeo three', 3)];
    const index = indexOf([one, two]);
    const searcher = index.searcher();
    add(index, [three], [one]);
    while (finish(index.maintain(unhurried)));
    const found = finish(searcher.search([parseWordQuery('romeo')], unhurried));
    assert.deepEqual([...found.keys()].map(({ id }) => id).sort(), [1, 2]);
    assert.deepEqual(
      search(index, 'romeo')
        .map(({ id }) => id)
        .sort(),
      [2, 3],
    );
  });

  describe('as people search', () => {
    const library = [
      'music/Beyoncé - Halo.flac',
      'music/Beyonce Live.mp3',
      'music/beyonceful.mp3',
      'books/Romeo and Juliet.epub',
      'books/JulietAndRomeo_S01E02.mkv',
      'books/Война и мир.fb2',
      'books/源氏物語絵巻.pdf',
      'books/東京都物語集.pdf',
      'books/ألف ليلة وليلة.epub',
      'photos/IMG_20190712_1201.jpeg',
      'photos/WiFi password.txt',
      'photos/wifi.txt',
      'photos/Wi-Fi.txt',
      'shakespeare/plays/Hamlet.txt',
    ].map((path, id) => file(path, id));
    const index = indexOf(library);
    const finds: readonly (readonly [string, readonly string[]])[] = [
      ['beyonce', ['Beyonce Live.mp3', 'Beyoncé - Halo.flac']],
      ['beyoncé', ['Beyoncé - Halo.flac', 'Beyonce Live.mp3']],
      ['BEYONCE\u0301 halo', ['Beyoncé - Halo.flac']],
      ['romeo juliet', ['Romeo and Juliet.epub', 'JulietAndRomeo_S01E02.mkv']],
      ['"romeo juliet"', []],
      ['"romeo and juliet"', ['Romeo and Juliet.epub']],
      ['romeo-and-juliet', ['Romeo and Juliet.epub']],
      ['romeo -epub', ['JulietAndRomeo_S01E02.mkv']],
      ['romeo -"romeo and"', ['JulietAndRomeo_S01E02.mkv']],
      ['s01e02', ['JulietAndRomeo_S01E02.mkv']],
      ['julietAndRomeo', ['JulietAndRomeo_S01E02.mkv']],
      ['julietandromeo', ['JulietAndRomeo_S01E02.mkv']],
      ['s01*', ['JulietAndRomeo_S01E02.mkv']],
      ['IMG_2019*', ['IMG_20190712_1201.jpeg']],
      ['IMG_2020*', []],
      ['война', ['Война и мир.fb2']],
      ['ВОЙНА МИР', ['Война и мир.fb2']],
      ['物語', ['源氏物語絵巻.pdf', '東京都物語集.pdf']],
      ['京都', ['東京都物語集.pdf']],
      ['東京都', ['東京都物語集.pdf']],
      ['都京', []],
      ['東都', []],
      ['集', ['東京都物語集.pdf']],
      ['東京*', ['東京都物語集.pdf']],
      ['ليلة الف', ['ألف ليلة وليلة.epub']],
      ['WiFi', ['wifi.txt', 'Wi-Fi.txt', 'WiFi password.txt']],
      ['wi-fi', ['Wi-Fi.txt', 'WiFi password.txt']],
      ['wifi', ['wifi.txt', 'WiFi password.txt']],
      ['path:hamlet', ['Hamlet.txt']],
      ['path:"plays hamlet"', ['Hamlet.txt']],
      ['path:shakespeare', ['Hamlet.txt']],
      ['name:shakespeare', []],
      ['shakespaere~1 hamlet', ['Hamlet.txt']],
      ['hamlte~1', ['Hamlet.txt']],
      ['halmte~1', []],
      ['halmte~2', ['Hamlet.txt']],
      ['hamlte~0', []],
    ];
    for (const [text, expected] of finds) {
      it(`${text} → ${expected.join(', ') || 'nothing'}`, () => {
        assert.deepEqual(names(index, text).sort(), [...expected].sort());
      });
    }

    it('ranks what is written as asked above what differs in diacritics', () => {
      assert.deepEqual(names(index, 'beyonce'), ['Beyonce Live.mp3', 'Beyoncé - Halo.flac']);
      assert.deepEqual(names(index, 'beyoncé'), ['Beyoncé - Halo.flac', 'Beyonce Live.mp3']);
    });

    it('ranks a name above a folder, and a word above the beginning of one', () => {
      const files = [file('romeo/other.txt', 1), file('plays/romeo.txt', 2), file('plays/romeos.txt', 3)];
      assert.deepEqual(
        search(indexOf(files), 'romeo*').map(({ id }) => id),
        [2, 3, 1],
      );
    });

    it('lets a word weigh more', () => {
      const files = [file('a/romeo', 1, 'juliet'), file('a/juliet', 2, 'romeo')];
      assert.equal(search(indexOf(files), 'juliet^5 romeo')[0]?.id, 2);
      assert.equal(search(indexOf(files), 'juliet romeo^5')[0]?.id, 1);
    });
  });

  it('names the bound when a word stands for too many', () => {
    const index = indexOf(
      Array.from({ length: 40 }, (_, id) => file(`a/word${String.fromCharCode(97 + (id % 26))}x${id}`, id)),
      { ...SMALL, maxExpandedTerms: 30 },
    );
    const tooMany = (error: unknown) => error instanceof LimitError && error.bound === 'terms';
    assert.throws(() => search(index, 'w*'), tooMany);
    assert.throws(() => search(index, '*x*'), tooMany);
    assert.equal(search(index, 'worda*').length, 2);
  });

  it('answers patterns with many asterisks over long names in no time', () => {
    const index = indexOf([file(`a/${'a'.repeat(250)}`)], defaultTextIndexInit);
    assert.deepEqual(search(index, '*a*a*a*b'), []);
  });
});

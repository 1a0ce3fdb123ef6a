import assert from 'node:assert/strict';
import { Enumeration } from '../../src/access/enumeration.js';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';
import { VirtualClock } from '../support/virtual-clock.js';

const text = (words: string): FileCriteria => ({ text: [words] });
const regex = (pattern: string): FileCriteria => ({ name: [{ type: 'regex', pattern }] });
const letters = 'abcdefghijklmnopqrstuvwxyz'.split('');
const numbers = Array.from({ length: 40 }, (_, at) => at + 1);

describe('enumeration', () => {
  let clock: VirtualClock;
  let counted: number;
  let enumeration: Enumeration;

  beforeEach(() => {
    clock = new VirtualClock();
    counted = 0;
    enumeration = new Enumeration({ clock, refusals: { count: () => (counted += 1) } });
  });

  /** What these questions cost beyond themselves, a second apart. */
  async function cost(questions: readonly FileCriteria[], everyMs = 1000): Promise<number> {
    let sum = 0;
    for (const each of questions) {
      sum += enumeration.extraCost('asker@x', each);
      await clock.advance(everyMs);
    }
    return sum;
  }

  const walks: Record<string, readonly FileCriteria[]> = {
    'numbers, one after the other': numbers.map((each) => text(`${each}`)),
    'numbers with zeros, backwards': numbers.toReversed().map((each) => text(`${each}`.padStart(3, '0'))),
    letters: letters.map(text),
    'letters with a star': letters.map((each) => text(`${each}*`)),
    'letters in no order': letters
      .toSorted((a, b) => ((a.charCodeAt(0) * 7) % 26) - ((b.charCodeAt(0) * 7) % 26))
      .map(text),
    'beginnings of names': letters.map((each) => regex(`^${each}`)),
    'a dictionary': letters.flatMap((each) => [text(`${each}bcde`), text(`${each}xyz`)]),
    'sizes from small to large': numbers.map((each) => ({
      sizeMin: each * 1000,
      sizeMax: each * 1000 + 999,
    })),
  };
  for (const [name, questions] of Object.entries(walks)) {
    it(`sees and slows a walk through ${name}`, async () => {
      const sum = await cost(questions);
      assert.ok(sum >= 100, `it cost ${sum}`);
      assert.ok(counted > 0);
    });
  }

  const searches: Record<string, readonly FileCriteria[]> = {
    'one thing and then another': [
      'romeo',
      'hamlet',
      'bach cello',
      'audio',
      'juliet pdf',
      'x',
      'macbeth',
      '1984',
      'ubuntu iso',
    ].map(text),
    'pages of one question': numbers.map(() => text('romeo')),
    'as people type': ['r', 'ro', 'rom', 'rome', 'romeo', 'rome', 'rom', 'ro', 'r', 'j', 'ju', 'jul'].map(
      text,
    ),
    'parts of a series': numbers.map((each) => text(`macbeth part ${each}`)),
    'a sorted list of files': letters.flatMap((each) => [
      text(`${each} song.mp3`),
      text(`${each}${each} other song.mp3`),
    ]),
    'photos by number': numbers.map((each) => text(`IMG_${each}`)),
    hashes: numbers.map((each) => ({ hash: [{ algo: 'sha-256' as const, value: `${each}` }] })),
  };
  for (const [name, questions] of Object.entries(searches)) {
    it(`does not mind ${name}`, async () => {
      assert.equal(await cost(questions), 0);
    });
  }

  it('forgives with time, and nothing of one asker falls on another', async () => {
    await cost(numbers.map((each) => text(`${each}`)));
    assert.equal(enumeration.extraCost('other@x', text('41')), 0);
    assert.ok(enumeration.extraCost('asker@x', text('42')) > 0);
    await clock.advance(600_000);
    assert.equal(enumeration.extraCost('asker@x', text('43')), 0);
  });

  it('lets people look for a few tracks by number', async () => {
    assert.equal(await cost(numbers.slice(0, 9).map((each) => text(`${each}`))), 0);
  });
});

import assert from 'node:assert/strict';
import { matches, wantedOf } from '../../src/cli/wanted-file.js';
import { foundFile } from './found-files.js';

describe('what get was told to fetch', () => {
  const romeo = foundFile('romeo.txt', 'a.x');

  it('is by hash what has it, and nothing else that a node may answer', () => {
    const wanted = wantedOf(romeo.hashes[0]?.value ?? assert.fail());
    assert.equal(matches(romeo, wanted), true);
    assert.equal(matches(foundFile('romeo.txt', 'a.x', { content: 'other' }), wanted), false);
    assert.equal(matches({ ...romeo, hashes: [] }, wanted), false);
  });

  it('is by name what has it, or has that path', () => {
    for (const [word, is] of [
      ['romeo.txt', true],
      ['share/romeo.txt', true],
      ['romeo', false],
    ] as const)
      assert.equal(matches(romeo, wantedOf(word)), is, word);
  });
});

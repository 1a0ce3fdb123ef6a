import assert from 'node:assert/strict';
import type { FileCriteria } from '../../src/stanza/file-criteria.js';
import type { FileDescription } from '../../src/stanza/xep0234-file-transfer.js';
import { ClaimTest } from '../../src/wishes/claim-test.js';

const HASH = { algo: 'sha-256', value: Buffer.alloc(32, 1).toString('base64') } as const;

function file(path: string, rest: Partial<FileDescription> = {}): FileDescription {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return {
    path,
    name,
    size: 10,
    dateMs: 0,
    hashes: [HASH],
    hashesUsed: [],
    mediaType: 'text/plain',
    ...rest,
  };
}

const files = [
  file('plays/Romeo.epub', { mediaType: 'application/epub+zip', desc: 'by Shakespeare' }),
  file('plays/shakespeare/Hamlet.txt'),
  file('romeo.exe', { size: 2000 }),
  file('nothing', { hashes: [] }),
];

describe('what a node says of its files', () => {
  const kept: readonly (readonly [string, FileCriteria, readonly string[]])[] = [
    ['words', { text: ['shakespeare'] }, ['plays/Romeo.epub', 'plays/shakespeare/Hamlet.txt']],
    ['words left out', { text: ['romeo -epub'] }, ['romeo.exe']],
    ['an extension', { ext: ['epub', 'txt'] }, ['plays/Romeo.epub', 'plays/shakespeare/Hamlet.txt']],
    ['a pattern', { name: [{ type: 'regex', pattern: '^romeo' }] }, ['plays/Romeo.epub', 'romeo.exe']],
    ['a size', { sizeMax: 1000 }, ['plays/Romeo.epub', 'plays/shakespeare/Hamlet.txt', 'nothing']],
    ['a type', { mediaType: ['application/*'] }, ['plays/Romeo.epub']],
    ['a hash', { hash: [HASH] }, ['plays/Romeo.epub', 'plays/shakespeare/Hamlet.txt', 'romeo.exe']],
    ['all of them', { text: ['romeo'], sizeMax: 1000, ext: ['epub', 'exe'] }, ['plays/Romeo.epub']],
  ];
  for (const [what, criteria, expected] of kept) {
    it(`is held against ${what} that was asked for`, () => {
      assert.deepEqual(
        new ClaimTest(criteria).keep(files).map(({ path }) => path),
        expected,
      );
    });
  }
});

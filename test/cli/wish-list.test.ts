import assert from 'node:assert/strict';
import { parseWishes } from '../../src/cli/wish-list.js';

const HEX = 'a'.repeat(64);

describe('a list of wishes', () => {
  it('holds hashes, files and folders of nodes, and what people write around them', () => {
    const text = `\ufeff# my list\r\n\r\n${HEX}\nfiles.x books/My file.txt\n  files.x/r  books/plays/ \n${HEX}\n`;
    assert.deepEqual(
      parseWishes(text).map(({ line, wish }) => [line, wish]),
      [
        [3, { type: 'hash', hash: { algo: 'sha-256', value: Buffer.from(HEX, 'hex').toString('base64') } }],
        [4, { type: 'path', from: 'files.x', path: 'books/My file.txt' }],
        [5, { type: 'folder', from: 'files.x/r', path: 'books/plays/' }],
      ],
    );
  });

  it('says of each other line what is wrong with it', () => {
    const faults = parseWishes('romeo.txt\nfiles.x readme\n@ a/b\nsha-256:AAAA\n').map(({ line, wish }) =>
      wish.type === 'fault' ? `${line}: ${wish.message}` : wish.type,
    );
    assert.deepEqual(faults, [
      '1: neither a hash nor an address and a path',
      "2: a path begins with the name of a share: 'readme/…'",
      "3: '@' is no XMPP address",
      '4: neither a hash nor an address and a path',
    ]);
  });
});

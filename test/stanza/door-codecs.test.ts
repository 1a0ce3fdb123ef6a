import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ParseError } from '../../src/errors.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { dataFormCodec } from '../../src/stanza/xep0004-data-forms.js';
import { commandAnswerCodec, commandRequestCodec } from '../../src/stanza/xep0050-commands.js';
import { vcardCodec } from '../../src/stanza/xep0054-vcard.js';
import { searchFormCodec, searchRequestCodec, searchResultCodec } from '../../src/stanza/xep0055-search.js';
import {
  fileDetails,
  filesNodeId,
  pathOfFilesNode,
  retrieveFromXml,
  retrieveToXml,
  treeFileText,
} from '../../src/stanza/xep0135-file-sharing.js';
import { entityTimeCodec } from '../../src/stanza/xep0202-time.js';
import {
  sharedFilesCodec,
  sharedFilesQueryCodec,
} from '../../src/stanza/xep0329-file-information-sharing.js';
import { canonical, describeFixtures, elementOf, FIXTURES } from '../support/codec-fixtures.js';
import { pathsInTree } from '../support/tree-file.js';

describe('codecs of the doors', () => {
  describeFixtures('xep0004', dataFormCodec);
  describeFixtures('xep0050', commandRequestCodec, 'request');
  describeFixtures('xep0050', commandAnswerCodec, 'answer');
  describeFixtures('xep0054', vcardCodec);
  describeFixtures('xep0055', searchFormCodec, 'form');
  describeFixtures('xep0055', searchRequestCodec, 'request');
  describeFixtures('xep0055', searchResultCodec, 'result');
  describeFixtures('xep0202', entityTimeCodec);
  describeFixtures('xep0329', sharedFilesQueryCodec, 'query');
  describeFixtures('xep0329', sharedFilesCodec, 'shares');
  describeFixtures('xep0329', sharedFilesCodec, 'folder');
  describeFixtures('xep0329', sharedFilesCodec, 'directory');

  it('refuse an action that commands have not, as XEP-0050 §4.4 says', () => {
    const element = elementOf(
      "<command xmlns='http://jabber.org/protocol/commands' node='find' action='run'/>",
    );
    assert.throws(
      () => commandRequestCodec.fromXml(element),
      (error: unknown) =>
        error instanceof StanzaError &&
        error.condition === 'bad-request' &&
        error.detail?.getName() === 'malformed-action',
    );
  });

  describe('XEP-0135', () => {
    it('tells of a file what it says in §5.4', () => {
      const form = fileDetails({
        name: 'romeo.txt',
        dateMs: Date.UTC(2026, 0, 2, 3, 4, 5),
        desc: 'A play',
        mediaType: 'text/plain',
        size: 1022,
        hashes: [{ algo: 'sha-256', value: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' }],
        hashesUsed: [],
      });
      const expected = elementOf(readFileSync(join(FIXTURES, 'xep0135', 'details.xml'), 'utf8'));
      assert.deepEqual(canonical(elementOf(dataFormCodec.toXml(form).toString())), canonical(expected));
    });

    it('has a NodeID for each path, and reads no other as one', () => {
      for (const path of ['', 'books', 'books/files/romeo.txt', 'files']) {
        assert.equal(pathOfFilesNode(filesNodeId(path)), path);
      }
      for (const nodeId of ['filesystem', 'files/', 'file', 'http://jabber.org/protocol/commands']) {
        assert.equal(pathOfFilesNode(nodeId), undefined);
      }
    });

    it('writes the tree that the specification shows', () => {
      const text = treeFileText([
        { path: 'somefile', size: 1022 },
        { path: 'somedir/anotherfile', size: 70_000 },
        { path: 'somedir/anotherdir/yetanotherfile', size: 1499 },
      ]);
      const expected = elementOf(readFileSync(join(FIXTURES, 'xep0135', 'tree.xml'), 'utf8'));
      assert.deepEqual(canonical(elementOf(text)), canonical(expected));
    });

    it('writes trees that any XML parser reads, in whatever order the files come and whatever they are called', () => {
      const paths = ['a/b/c/1', 'a/2', 'a & <b>/"3\'', 'a/b/4', 'b/a/5'];
      const files = [...paths, 'b/\u00016\uD800'].map((path) => ({ path, size: 1 }));
      const found = pathsInTree(treeFileText(files));
      assert.deepEqual(found.sort(), [...paths, 'b/\uFFFD6\uFFFD'].sort());
    });

    it('reads what is to be retrieved', () => {
      const file = { type: 'file', path: 'books/romeo.txt' } as const;
      assert.deepEqual(retrieveFromXml(retrieveToXml(file)), file);
      for (const path of ['tree.xml', 'files/tree.xml'])
        assert.deepEqual(retrieveFromXml(retrieveToXml({ type: 'file', path })), { type: 'file', path });
      assert.deepEqual(retrieveFromXml(retrieveToXml({ type: 'tree' })), { type: 'tree' });
      assert.throws(
        () => retrieveFromXml(retrieveToXml({ type: 'file', path: '' })),
        (error: unknown) => error instanceof ParseError && error.field === 'node',
      );
    });
  });
});

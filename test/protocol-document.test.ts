import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Element, parse } from 'ltx';
import { blockListOf } from '../src/blocks/block-tree.js';
import { blocksPageCodec, blocksRequestCodec } from '../src/stanza/block-hashes.js';
import { confirmCodec, findCodec, foundCodec } from '../src/stanza/file-discovery.js';
import {
  fileAnswer2011FromXml,
  fileQuery2011FromXml,
  isFileQuery2011,
} from '../src/stanza/file-query-2011.js';
import { unwantCodec, wantCodec, wantGrantedCodec } from '../src/stanza/standing-question.js';
import { queuePlaceCodec } from '../src/stanza/transfer-queue.js';
import { pubsubEventFromXml } from '../src/stanza/xep0060-pubsub.js';
import { jingleCodec } from '../src/stanza/xep0166-jingle.js';
import { descriptionCodec, fileCodec } from '../src/stanza/xep0234-file-transfer.js';
import { fileSharingCodec } from '../src/stanza/xep0447-stateless-file-sharing.js';
import { projectRoot } from './support/codec-fixtures.js';

const DOCUMENT = path.join(projectRoot(path.dirname(fileURLToPath(import.meta.url))), 'docs/protocol.md');

/** Size of the file whose blocks the examples show. */
const ZEROS = 600_000;

/** Reads what an example holds, with the codec that reads it off the wire. */
function read(element: Element, stanza: Element): unknown {
  switch (element.getName()) {
    case 'find':
      return findCodec.fromXml(element);
    case 'found':
      return foundCodec.fromXml(element);
    case 'confirm':
      return confirmCodec.fromXml(element);
    case 'queue':
      return queuePlaceCodec.fromXml(element);
    case 'want':
      return (stanza.attrs.type === 'set' ? wantCodec : wantGrantedCodec).fromXml(element);
    case 'unwant':
      return unwantCodec.fromXml(element);
    case 'event':
      return pubsubEventFromXml(element);
    case 'jingle': {
      const jingle = jingleCodec.fromXml(element);
      if (jingle.action === 'session-info') return undefined; // its payload is read
      assert.equal(jingle.action, 'session-initiate');
      return jingle.contents.map(({ description }) => descriptionCodec().fromXml(description));
    }
    case 'blocks': {
      if (stanza.attrs.type === undefined) return undefined; // as a part of its <file/>
      if (stanza.attrs.type === 'get') return blocksRequestCodec.fromXml(element);
      const { tree, hashes } = blocksPageCodec.fromXml(element);
      assert.ok(blockListOf(tree, ZEROS, hashes), 'the hashes have the root');
      return tree;
    }
    case 'file':
      return element === stanza ? fileCodec().fromXml(element) : undefined;
    case 'file-sharing':
      return fileSharingCodec.fromXml(element);
    case 'query':
      if (stanza.attrs.type === 'result') return fileAnswer2011FromXml(element);
      assert.ok(isFileQuery2011(element));
      return fileQuery2011FromXml(element);
    default:
      return undefined;
  }
}

function everyElementOf(element: Element): Element[] {
  return [element, ...element.getChildElements().flatMap(everyElementOf)];
}

describe('docs/protocol.md', () => {
  const text = readFileSync(DOCUMENT, 'utf8');
  const examples = [...text.matchAll(/\*Example (\d+)\. ([^*]+)\*\n\n```xml\n([\s\S]*?)```/g)];

  it('has its examples numbered in order', () => {
    assert.ok(examples.length >= 10);
    assert.deepEqual(
      examples.map(([, number]) => Number(number)),
      examples.map((_, index) => index + 1),
    );
  });

  for (const [, number, title, xml = ''] of examples) {
    it(`example ${number}, ${title}, is read as it stands`, () => {
      const stanza = parse(xml);
      const values = everyElementOf(stanza)
        .map((element) => read(element, stanza))
        .filter((value) => value !== undefined);
      assert.ok(values.length > 0 || stanza.attrs.type === 'result');
    });
  }

  it('describes every field of the form that there is', () => {
    const form = (field: string) =>
      parse(
        `<find xmlns='urn:xmpp:tmp:file-discovery:0'><x xmlns='jabber:x:data' type='submit'><field var='${field}'><value/></field></x></find>`,
      );
    const table = text.slice(text.indexOf('## 4. Criteria'), text.indexOf('### 4.1'));
    const rows = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names = '']) =>
      [...names.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name),
    );
    for (const field of rows) assert.doesNotThrow(() => findCodec.fromXml(form(field)), field);
    assert.throws(
      () => findCodec.fromXml(form('colour')),
      (error: Error) => {
        const [, known = ''] = /there are (.+)$/.exec(error.message) ?? [];
        assert.deepEqual(known.split(', ').sort(), [...rows].sort());
        return true;
      },
    );
  });
});

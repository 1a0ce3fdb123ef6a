/** What clients were recorded to say (test/fixtures/dialogs), read as it was: every stanza, and what is odd in it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { sessionEventOf } from '../../src/jingle/session-event.js';
import { type Jingle, jingleCodec } from '../../src/stanza/xep0166-jingle.js';
import {
  descriptionCodec,
  type FileDescription,
  type FileInfo,
} from '../../src/stanza/xep0234-file-transfer.js';
import {
  type S5bDescription,
  type S5bInfo,
  s5bDescriptionCodec,
  s5bInfoCodec,
} from '../../src/stanza/xep0260-jingle-s5b.js';
import type { Element } from '../../src/stanza/xml.js';
import { elementOf, projectRoot } from '../support/codec-fixtures.js';

const DIALOGS = path.join(projectRoot(path.dirname(fileURLToPath(import.meta.url))), 'test/fixtures/dialogs');
/** What stands in a dialog for what is different in each session. */
const FILLED: Readonly<Record<string, string>> = {
  hash: Buffer.alloc(32, 7).toString('base64'),
  dstaddr: '1a12fb7bc625e55f3ed5b29a53dbe0e4aa7d80ba',
  port: '4711',
  proxyPort: '4712',
};

interface Understood {
  readonly jingle: Jingle;
  readonly senders?: string | undefined;
  readonly file?: FileDescription;
  readonly transport?: S5bDescription;
  readonly info?: S5bInfo;
  readonly told?: FileInfo;
}

/** As the engine reads it. Throws what it would answer. */
function understood(file: string): Understood {
  const text = readFileSync(path.join(DIALOGS, `${file}.xml`), 'utf8');
  const jingle = jingleCodec.fromXml(
    elementOf(text.replace(/\{(\w+)\}/g, (_, name: string) => FILLED[name] ?? name)),
  );
  switch (jingle.action) {
    case 'session-initiate':
    case 'session-accept': {
      const [content] = jingle.contents;
      assert.ok(content && jingle.contents.length === 1);
      return {
        jingle,
        senders: content.senders,
        file: descriptionCodec().fromXml(content.description),
        transport: s5bDescriptionCodec.fromXml(content.transport),
      };
    }
    case 'transport-info': {
      const transport: Element | undefined = jingle.contents[0]?.transport;
      assert.ok(transport);
      return { jingle, info: s5bInfoCodec.fromXml(transport) };
    }
    case 'transport-replace':
    case 'transport-accept':
    case 'transport-reject':
      return { jingle };
    default: {
      const event = sessionEventOf(jingle);
      assert.notEqual(event.type, 'peer-unknown-info');
      return { jingle, ...(event.type === 'peer-info' && { told: event.info }) };
    }
  }
}

/** COMPAT: what each of them shows, as this program has to take it. */
const ODDITIES: Readonly<Record<string, (said: Understood) => void>> = {
  'dino-0.4.2/offer': ({ file, transport }) => {
    assert.deepEqual([file?.hashes, file?.hashesUsed, file?.range], [[], [], undefined]);
    assert.ok(transport?.candidates.some(({ host }) => host === 'fe80::fc:ff:fe00:1%eth0'));
  },
  'dino-0.4.2/accept': ({ jingle, file }) => {
    assert.ok(jingle.action === 'session-accept' && jingle.responder === undefined);
    assert.equal(file?.range, undefined);
  },
  'dino-0.4.2/failed-transport': ({ jingle }) => {
    assert.ok(jingle.action === 'session-terminate');
    assert.deepEqual(jingle.reason, { condition: 'failed-transport', text: 'Exception has been thrown' });
  },
  'gajim-1.7.3/accept': ({ senders, file }) => {
    assert.equal(senders, 'both');
    assert.deepEqual([file?.range, file?.hashes, file?.hashesUsed], [undefined, [], []]);
  },
  'libervia-0.9/accept-offer': ({ senders }) => assert.equal(senders, undefined),
  'libervia-0.9/request-of-path': ({ file }) => {
    assert.deepEqual([file?.path, file?.size], ['lab2/sub/10m.bin', undefined]);
  },
  'libervia-0.9/accept-request-of-path': ({ file }) => {
    assert.deepEqual([file?.size, file?.hashesUsed], [10_000_000, ['sha-256', 'sha-256']]);
  },
  'libervia-0.9/checksum': ({ told }) => {
    assert.ok(told?.type === 'checksum');
    const hex = '14a62e86a3b1a4c1bc4f16ece67a6269a75635f363f66e3ca0642b233827f31b';
    assert.equal(told.file.hashes[0]?.value, Buffer.from(hex, 'hex').toString('base64'));
  },
  'psi/offer': ({ file, transport }) => {
    assert.equal(file?.dateMs, Date.UTC(2026, 10, 23, 1, 41, 15));
    assert.deepEqual(file.range, { offset: 0, hashes: [] });
    assert.equal(transport?.dstaddr, undefined);
    assert.deepEqual(
      transport?.candidates.map(({ jid, type }) => [jid, type]),
      [
        [undefined, 'direct'],
        [undefined, 'direct'],
      ],
    );
  },
  'psi/accept-late-proxy': ({ info }) => {
    assert.ok(info?.type === 'candidates');
    assert.deepEqual(
      info.candidates.map(({ type }) => type),
      ['proxy'],
    );
  },
  'psi/offer-content-remove': ({ jingle }) => assert.equal(jingle.action, 'content-remove'),
};

describe('What other clients were recorded to say', () => {
  const clients = readdirSync(DIALOGS).sort();
  const files = clients.flatMap((client) =>
    readdirSync(path.join(DIALOGS, client)).map((file) => `${client}/${path.basename(file, '.xml')}`),
  );

  for (const file of files.sort()) {
    it(`is understood: ${file}`, () => {
      const said = understood(file);
      ODDITIES[file]?.(said);
    });
  }

  it('is there for everything that is said to be odd', () => {
    assert.deepEqual(
      Object.keys(ODDITIES).filter((file) => !files.includes(file)),
      [],
    );
  });
});

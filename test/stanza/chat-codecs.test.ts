import assert from 'node:assert/strict';
import { ParseError } from '../../src/errors.js';
import { chatAnswerToXml, chatMessageOf } from '../../src/stanza/chat-message.js';
import { parseJid } from '../../src/stanza/jid.js';
import { outOfBandCodec } from '../../src/stanza/xep0066-out-of-band.js';
import { chatStateCodec } from '../../src/stanza/xep0085-chat-states.js';
import { receiptCodec } from '../../src/stanza/xep0184-receipts.js';
import { jinglepubCodec, startCodec, startingCodec } from '../../src/stanza/xep0358-jinglepub.js';
import { describeFixtures, elementOf } from '../support/codec-fixtures.js';

describeFixtures('xep0085', chatStateCodec);
describeFixtures('xep0184', receiptCodec);
describeFixtures('xep0358', jinglepubCodec, 'file');
describeFixtures('xep0358', startCodec, 'start');
describeFixtures('xep0358', startingCodec, 'begun');

describe('xep0066', () => {
  it('reads what it writes, and nothing that is no URL', () => {
    const data = { url: new URL('https://files.example.org/x'), desc: 'a play' };
    assert.deepEqual(outOfBandCodec.fromXml(outOfBandCodec.toXml(data)), data);
    const text = "<x xmlns='jabber:x:oob'><url>not one</url></x>";
    assert.throws(() => outOfBandCodec.fromXml(elementOf(text)), ParseError);
  });
});

describe('a message between people', () => {
  const message = (inside: string, attributes = "type='chat'") =>
    chatMessageOf(elementOf(`<message xmlns='jabber:client' ${attributes}>${inside}</message>`));

  it('says something, in a thread, and what its sender knows', () => {
    const read = message(
      "<body> help </body><thread>t</thread><active xmlns='http://jabber.org/protocol/chatstates'/>" +
        "<request xmlns='urn:xmpp:receipts'/>",
      "type='chat' id='1'",
    );
    assert.deepEqual(read, {
      type: 'chat',
      id: '1',
      body: 'help',
      thread: 't',
      state: 'active',
      asksForReceipt: true,
      isEncrypted: false,
    });
    assert.equal(message('<body>x</body>', '')?.type, 'normal');
    assert.equal(message("<body>x</body><request xmlns='urn:xmpp:receipts'/>")?.asksForReceipt, false);
  });

  it('is none that nobody waits for an answer to', () => {
    const body = '<body>help</body>';
    for (const type of ['groupchat', 'headline', 'error', 'nonsense']) {
      assert.equal(message(body, `type='${type}'`), undefined, type);
    }
    const others = [
      '<body/>',
      "<body xmlns='urn:other'>help</body>",
      `${body}<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>`,
      `${body}<event xmlns='http://jabber.org/protocol/pubsub#event'/>`,
      `${body}<received xmlns='urn:xmpp:receipts' id='1'/>`,
      "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message><body>help</body></message></forwarded></received>",
      "<result xmlns='urn:xmpp:mam:2'><forwarded xmlns='urn:xmpp:forward:0'><message><body>help</body></message></forwarded></result>",
    ];
    for (const each of others) assert.equal(message(each), undefined, each);
  });

  it('may be encrypted, whoever says so', () => {
    const omemo = "<encrypted xmlns='eu.siacs.conversations.axolotl'/>";
    assert.ok(message(`<body>x</body>${omemo}`)?.isEncrypted);
    assert.ok(message("<body>x</body><encryption xmlns='urn:xmpp:eme:0' namespace='x'/>")?.isEncrypted);
  });

  it('goes out with a link that clients show as a file', () => {
    const url = new URL('https://files.example.org/x');
    const to = parseJid('juliet@capulet.lit/balcony');
    const xml = chatAnswerToXml({ to, type: 'chat', body: url.href, outOfBand: { url } });
    assert.equal(xml.getChild('x', 'jabber:x:oob')?.getChildText('url'), xml.getChildText('body'));
  });
});

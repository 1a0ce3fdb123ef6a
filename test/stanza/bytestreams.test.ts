/** The codecs of XEP-0065, XEP-0260, XEP-0261 and XEP-0047. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ParseError } from '../../src/errors.js';
import type { Codec } from '../../src/stanza/codec.js';
import { parseJid } from '../../src/stanza/jid.js';
import { ibbCloseCodec, ibbDataCodec, ibbOpenCodec } from '../../src/stanza/xep0047-ibb.js';
import { bytestreamsCodec, destinationAddress } from '../../src/stanza/xep0065-bytestreams.js';
import { candidatePriority, s5bDescriptionCodec, s5bInfoCodec } from '../../src/stanza/xep0260-jingle-s5b.js';
import { jingleIbbAnswerCodec, jingleIbbOfferCodec } from '../../src/stanza/xep0261-jingle-ibb.js';
import { describeFixtures, elementOf } from '../support/codec-fixtures.js';

/** Fixtures hold bytes as the base64 they are on the wire. */
const ibbDataAsText: Codec<{ sid: string; seq: number; bytes: string }> = {
  fromXml(element) {
    const data = ibbDataCodec.fromXml(element);
    return { ...data, bytes: data.bytes.toString('base64') };
  },
  toXml: (data) => ibbDataCodec.toXml({ ...data, bytes: Buffer.from(data.bytes, 'base64') }),
};

describeFixtures('xep0065', bytestreamsCodec);
describeFixtures('xep0260', s5bDescriptionCodec, 'description-');
describeFixtures('xep0260', s5bInfoCodec, 'info-');
describeFixtures('xep0261', jingleIbbOfferCodec, 'offer-');
describeFixtures('xep0261', jingleIbbAnswerCodec, 'answer-');
describeFixtures('xep0047', ibbOpenCodec, 'open-');
describeFixtures('xep0047', ibbDataAsText, 'data-');
describeFixtures('xep0047', ibbCloseCodec, 'close');

describe('destinationAddress', () => {
  const romeo = parseJid('romeo@montague.lit/orchard');
  const juliet = parseJid('juliet@capulet.lit/balcony');

  it('is the one of XEP-0260 §2.2, in both directions', () => {
    assert.equal(destinationAddress('vj3hs98y', romeo, juliet), '972b7bf47291ca609517f67f86b5081086052dad');
    assert.equal(destinationAddress('vj3hs98y', juliet, romeo), '1a12fb7bc625e55f3ed5b29a53dbe0e4aa7d80ba');
  });
});

describe('candidatePriority', () => {
  it('puts every direct candidate before every proxy', () => {
    assert.ok(candidatePriority('direct', 0) > candidatePriority('proxy', 65535));
  });
});

describe('ibbDataCodec', () => {
  it('carries any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4096 }), fc.nat(65535), (bytes, seq) => {
        const text = ibbDataCodec.toXml({ sid: 'a', seq, bytes: Buffer.from(bytes) }).toString();
        const read = ibbDataCodec.fromXml(elementOf(text));
        assert.equal(read.seq, seq);
        assert.deepEqual([...read.bytes], [...bytes]);
      }),
    );
  });

  it('refuses data longer than any block before it decodes it', () => {
    const text = `<data xmlns='http://jabber.org/protocol/ibb' seq='0' sid='a'>${'A'.repeat(400_000)}</data>`;
    assert.throws(() => ibbDataCodec.fromXml(elementOf(text)), ParseError);
  });
});

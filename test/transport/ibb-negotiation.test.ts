/** How in-band bytestreams are agreed on and opened. */
import assert from 'node:assert/strict';
import { ParseError } from '../../src/errors.js';
import { parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { ibbOpenCodec } from '../../src/stanza/xep0047-ibb.js';
import { jingleIbbAnswerCodec, jingleIbbOfferCodec } from '../../src/stanza/xep0261-jingle-ibb.js';
import { defaultIbbLimits } from '../../src/transport/limits.js';
import { TransportFailedError } from '../../src/transport/transport.js';
import { elementOf } from '../support/codec-fixtures.js';
import { settle } from '../support/virtual-clock.js';
import { assertRefused, BLOCK, data, IbbRig, noInfo, romeo } from './ibb-rig.js';

describe('IbbTransport', () => {
  let rig: IbbRig;

  beforeEach(async () => {
    rig = new IbbRig();
    await rig.start();
  });

  afterEach(() => rig.stop());

  describe('agrees on blocks', () => {
    it('no larger than the peer offers, nor than we take', async () => {
      for (const [offered, agreed] of [
        [4, 4],
        [BLOCK, BLOCK],
        [65_535, BLOCK],
      ] as const) {
        const negotiation = rig.accepted({ sid: `s${offered}`, blockSize: offered });
        const answer = jingleIbbOfferCodec.fromXml(await negotiation.describe());
        assert.equal(answer.blockSize, agreed);
        negotiation.close();
      }
    });

    for (const [what, answer, agreed] of [
      ['smaller', { blockSize: 4 }, 4],
      ['larger than offered', { blockSize: 1_000_000 }, BLOCK],
      ['not at all', {}, BLOCK],
    ] as const) {
      it(`that the peer answers ${what}`, async () => {
        const negotiation = rig.transport.offer({ ...noInfo, role: 'initiator' });
        await negotiation.describe();
        negotiation.remote(jingleIbbAnswerCodec.toXml({ ...answer, stanza: 'iq' }));
        const stream = await negotiation.connect();
        rig.streams.push(stream);
        assert.deepEqual(rig.opens, [agreed]);
        stream.write(Buffer.alloc(40));
        await rig.clock.advance(0);
        assert.equal(rig.got[0]?.bytes.length, agreed);
      });
    }

    it('and on nothing that is no answer', async () => {
      const negotiation = rig.transport.offer({ ...noInfo, role: 'initiator' });
      await negotiation.describe();
      const other = jingleIbbAnswerCodec.toXml({ sid: 'another', stanza: 'iq' });
      assert.throws(() => negotiation.remote(other), ParseError);
      assert.throws(
        () => negotiation.remote(elementOf(`<transport xmlns='${NS.s5b}' sid='a'/>`)),
        ParseError,
      );
      assert.throws(() => negotiation.info(other), StanzaError);
      negotiation.close();
    });
  });

  describe('opening', () => {
    it('is refused for a bytestream that nobody agreed on', async () => {
      await assertRefused(
        rig.ask(ibbOpenCodec.toXml({ sid: 's', blockSize: 1, stanza: 'iq' })),
        'not-acceptable',
        'modify',
      );
    });

    it('is refused before we have accepted, and from others than the peer', async () => {
      const open = ibbOpenCodec.toXml({ sid: 's', blockSize: BLOCK, stanza: 'iq' });
      const negotiation = rig.accepted({ sid: 's', blockSize: BLOCK });
      await assertRefused(rig.ask(open), 'not-acceptable', 'modify');
      await negotiation.describe();
      await assertRefused(rig.ask(open, parseJid('mallory@juliet.example/x')), 'not-acceptable', 'modify');
      await rig.ask(open);
      negotiation.close();
    });

    it('is refused with larger blocks than agreed, and may be tried again', async () => {
      const negotiation = rig.accepted({ sid: 's', blockSize: BLOCK });
      await negotiation.describe();
      const open = (blockSize: number) => rig.ask(ibbOpenCodec.toXml({ sid: 's', blockSize, stanza: 'iq' }));
      await assertRefused(open(BLOCK + 1), 'resource-constraint', 'modify');
      await open(BLOCK);
      rig.streams.push(await negotiation.connect());
    });

    it('is left to the initiator where the responder proposes the bytestream', async () => {
      const negotiation = rig.transport.offer({ ...noInfo, role: 'responder' });
      const { sid } = jingleIbbOfferCodec.fromXml(await negotiation.describe());
      negotiation.remote(jingleIbbAnswerCodec.toXml({ sid, blockSize: BLOCK, stanza: 'iq' }));
      const connecting = negotiation.connect();
      await settle();
      assert.deepEqual(rig.opens, []);
      await rig.ask(ibbOpenCodec.toXml({ sid, blockSize: BLOCK, stanza: 'iq' }));
      rig.streams.push(await connecting);
    });

    it('is accepted from a peer that thinks it is to open what we opened', async () => {
      const { sid } = await rig.openedByUs();
      await rig.ask(ibbOpenCodec.toXml({ sid, blockSize: BLOCK, stanza: 'iq' }));
    });

    it('fails the negotiation when the peer refuses', async () => {
      rig.onOpen = () => {
        throw new StanzaError('not-acceptable');
      };
      await assert.rejects(rig.openedByUs(), TransportFailedError);
    });

    it('fails the negotiation when the peer never does', async () => {
      const negotiation = rig.accepted({ sid: 's', blockSize: BLOCK });
      await negotiation.describe();
      const failed = assert.rejects(negotiation.connect(), TransportFailedError);
      await rig.clock.advance(defaultIbbLimits.openTimeoutMs);
      await failed;
      await assertRefused(
        rig.ask(ibbOpenCodec.toXml({ sid: 's', blockSize: BLOCK, stanza: 'iq' })),
        'not-acceptable',
        'modify',
      );
    });

    it('needs no answer where data is there already', async () => {
      rig.network.drop((stanza) => stanza.attrs.type === 'result' && stanza.attrs.to === romeo);
      const negotiation = rig.transport.offer({ ...noInfo, role: 'initiator' });
      const { sid } = jingleIbbOfferCodec.fromXml(await negotiation.describe());
      negotiation.remote(jingleIbbAnswerCodec.toXml({ sid, stanza: 'iq' }));
      const connecting = negotiation.connect();
      await settle();
      await rig.ask(data(0, 'early', sid));
      const stream = await connecting;
      rig.streams.push(stream);
      assert.equal(String(stream.read()), 'early');
    });
  });
});

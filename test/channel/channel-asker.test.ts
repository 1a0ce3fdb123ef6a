import assert from 'node:assert/strict';
import { ChannelAsker, type ChannelAskerComponents } from '../../src/channel/channel-asker.js';
import { silentLog } from '../../src/log.js';
import { foundCodec } from '../../src/stanza/file-discovery.js';
import { parseBareJid, parseJid } from '../../src/stanza/jid.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

const CHANNEL = { service: parseBareJid('pubsub.example.org'), nodeId: 'books' };

/** A kept question, and whoever answers it. */
async function asked() {
  const clock = new VirtualClock();
  let hear: (from: string, news: boolean) => void = () => assert.fail('nobody listens');
  let id = '';
  const entity = {
    jid: parseJid('us@example.org/x'),
    handleMessage: (_name: string, _ns: string, handler: (message: unknown) => void) => {
      hear = (from, news) => {
        const found = { id, total: 0, more: false, pending: 0, page: {}, files: [], ...(news && { news }) };
        const stanza = xml('message', {}, foundCodec.toXml(found));
        handler({ from: parseJid(from), stanza });
      };
      return () => undefined;
    },
    handleIq: () => () => undefined,
    request: async ({ payload }: { readonly payload: Element }) => {
      id = /id="([^"]+)"/.exec(payload.toString())?.[1] ?? '';
      return payload;
    },
  };
  const asker = new ChannelAsker(
    { entity: entity as unknown as ChannelAskerComponents['entity'], clock, log: silentLog },
    { spreadMs: 0, pageFiles: 10, maxAnswers: 1000 },
  );
  await asker.start();
  const heard: string[] = [];
  const over = new AbortController();
  const listen = async () => {
    const question = { criteria: {}, maxFiles: 10, waitMs: 1000, keep: true } as const;
    for await (const { from } of asker.ask([CHANNEL], question, over.signal)) heard.push(from);
  };
  const listening = listen();
  await settle();
  return {
    answer: (from: string, news = true) => hear(from, news),
    heard,
    end: async () => {
      over.abort();
      await listening;
      await asker.stop();
      assert.equal(clock.pendingTimers, 0);
    },
  };
}

describe('a question on a channel', () => {
  it('is answered by others too when one answers without end', async () => {
    const { answer, heard, end } = await asked();
    for (let i = 0; i < 10_000; i += 1) answer(`flood@example.org/${i}`);
    answer('node.example.org');
    await settle();
    assert.equal(heard.filter((from) => from.startsWith('flood')).length, 100);
    assert.ok(heard.includes('node.example.org'));
    for (let i = 0; i < 10_000; i += 1) answer(`flood@example.org/${i}`, false);
    answer('other.example.org', false);
    await settle();
    assert.equal(heard.filter((from) => from.startsWith('flood')).length, 200);
    assert.ok(heard.includes('other.example.org'));
    await end();
  });

  it('that is kept is answered as often as there is news, when that is listened to', async () => {
    const { answer, heard, end } = await asked();
    for (let i = 0; i < 5000; i += 1) {
      answer('node.example.org');
      if (i % 50 === 0) await settle();
    }
    await settle();
    assert.equal(heard.length, 5000);
    await end();
  });
});

import assert from 'node:assert/strict';
import { OfflineError } from '../../src/entity/entity.js';
import { TimeoutError } from '../../src/errors.js';
import { parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import { MemoryNetwork } from './memory-network.js';
import { settle, VirtualClock } from './virtual-clock.js';

const JULIET = parseJid('juliet@example.org/pda');
const FILES = parseJid('files.example.org');
const question = () => xml('question', { xmlns: 'test' });

describe('MemoryNetwork', () => {
  const clock = new VirtualClock();
  let net: MemoryNetwork;

  async function pair() {
    net = new MemoryNetwork({ clock });
    const files = net.component(FILES);
    const juliet = net.client(JULIET);
    await files.start();
    await juliet.start();
    return { files, juliet };
  }

  it('carries an iq to any resource of a component, and the answer back', async () => {
    const { files, juliet } = await pair();
    files.handleIq('get', 'question', 'test', (iq) => xml('answer', { xmlns: 'test', at: iq.to }));
    const to = parseJid('files.example.org/a/b');
    const result = await juliet.request({ to, type: 'get', payload: question() });
    assert.equal(result.getChild('answer', 'test')?.attrs.at, to);
  });

  it('delivers messages in order, also when they are delayed', async () => {
    const { files, juliet } = await pair();
    const got: string[] = [];
    files.handleMessage('n', 'test', ({ stanza }) => got.push(stanza.getChildText('n', 'test') ?? ''));
    net.delay = 50;
    for (const n of ['1', '2', '3']) {
      juliet.send(xml('message', { to: FILES }, xml('n', { xmlns: 'test' }, n)));
    }
    await clock.advance(49);
    assert.deepEqual(got, []);
    await clock.advance(1);
    assert.deepEqual(got, ['1', '2', '3']);
  });

  it('counts the delayed stanzas that are still on their way', async () => {
    const { juliet } = await pair();
    net.delay = 50;
    juliet.send(xml('message', { to: FILES }));
    assert.deepEqual([net.underWay, clock.pendingTimers], [1, 1]);
    await clock.advance(50);
    assert.deepEqual([net.underWay, clock.pendingTimers], [0, 0]);
  });

  it('returns what is sent to nobody', async () => {
    const { juliet } = await pair();
    const asked = juliet.request({ to: parseJid('nobody.example.org'), type: 'get', payload: question() });
    await assert.rejects(asked, (error: StanzaError) => error.condition === 'service-unavailable');
    assert.ok(await asked.catch((error) => error instanceof StanzaError));
  });

  it('lets a request time out when its answer is dropped', async () => {
    const { juliet } = await pair();
    net.drop((stanza: Element) => stanza.attrs.type === 'error');
    const asked = assert.rejects(
      juliet.request({ to: FILES, type: 'get', payload: question(), timeoutMs: 1000 }),
      TimeoutError,
    );
    await clock.advance(1000);
    await asked;
  });

  it('cuts and restores a stream', async () => {
    const { files, juliet } = await pair();
    const seen: string[] = [];
    juliet.onEvent((event) => seen.push(event.type));
    files.handleIq('get', 'question', 'test', () => new Promise(() => {}));
    const asked = juliet.request({ to: FILES, type: 'get', payload: question() });
    await settle();
    net.cut(JULIET);
    await assert.rejects(asked, OfflineError);
    assert.throws(() => juliet.send(xml('message', { to: FILES })), OfflineError);
    net.restore(JULIET);
    assert.deepEqual(seen, ['offline', 'online']);
    assert.equal(clock.pendingTimers, 0);
  });
});

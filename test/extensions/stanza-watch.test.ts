import assert from 'node:assert/strict';
import type { Entity } from '../../src/entity/entity.js';
import { StanzaRouter } from '../../src/entity/stanza-router.js';
import type { ExtensionHooks, Stanza } from '../../src/extensions/api.js';
import { WatchedConnection } from '../../src/extensions/stanza-watch.js';
import { silentLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { attribute } from '../../src/stanza/xml.js';
import { elementOf } from '../support/codec-fixtures.js';
import { type Extended, extended } from '../support/extended.js';
import { MemoryNetwork } from '../support/memory-network.js';
import { VirtualClock } from '../support/virtual-clock.js';

const NODE = parseJid('files.example.org');
const ROMEO = parseJid('romeo@example.net/x');
const question = () => elementOf("<question xmlns='urn:example'/>");
const message = (text: string) => elementOf(`<message to='${ROMEO}'><body>${text}</body></message>`);

describe('stanzas that extensions see', () => {
  const clock = new VirtualClock();
  let network: MemoryNetwork;
  let node: Entity;
  let romeo: Entity;
  let world: Extended;
  /** Bodies of the messages that came to Romeo, and questions that came to the node. */
  let got: string[];

  async function start(...extensions: ExtensionHooks[]): Promise<void> {
    world = extended({ clock, extensions });
    await world.host.start();
    network = new MemoryNetwork({ clock });
    const connection = new WatchedConnection({
      connection: network.connection(NODE),
      extensions: world.host,
    });
    node = new StanzaRouter({ connection, clock, log: silentLog });
    romeo = network.client(ROMEO);
    got = [];
    romeo.handleMessage('body', 'jabber:client', ({ stanza }) => got.push(stanza.getChildText('body') ?? ''));
    network.watch((stanza) => {
      if (stanza.is('message') && attribute(stanza, 'to') === ROMEO)
        got.push(stanza.getChildText('body') ?? '');
    });
    for (const each of [node, romeo]) {
      await each.start();
      each.handleIq('get', 'question', 'urn:example', () => elementOf("<answer xmlns='urn:example'/>"));
    }
  }

  afterEach(async () => {
    await node.stop();
    await romeo.stop();
    await world.host.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  const fails = (asking: Promise<unknown>, condition: string) =>
    assert.rejects(asking, (error) => error instanceof StanzaError && error.condition === condition);

  it('are those that come and go, as text', async () => {
    const seen: string[] = [];
    const see = (way: string) => (stanza: Stanza) => {
      const { name, type, from, to, id, text } = stanza;
      assert.ok(id !== undefined && text.includes(id));
      assert.match(text, new RegExp(`^<${name} [^]*</${name}>$`));
      seen.push([way, name, type, from, to].join(' '));
    };
    await start({ onStanzaIn: see('in'), onStanzaOut: see('out') });
    await romeo.request({ to: NODE, type: 'get', payload: question() });
    node.send(message('hello'));
    assert.deepEqual(seen, [
      `in iq get ${ROMEO} ${NODE}`,
      `out iq result ${NODE} ${ROMEO}`,
      `out message  ${NODE} ${ROMEO}`,
    ]);
  });

  it('can not be changed by them', async () => {
    const meddle = (stanza: Stanza) => {
      Object.assign(stanza, { to: 'juliet@example.org' });
    };
    await start({ onStanzaIn: meddle, onStanzaOut: meddle });
    await romeo.request({ to: NODE, type: 'get', payload: question() });
    assert.ok(
      world.lines.some((line) => line.includes('onStanzaIn')),
      'it is told',
    );
  });

  it('that come and are vetoed are not seen by the node; who asked is told that nobody answers', async () => {
    const asked: string[] = [];
    await start(
      { onStanzaIn: ({ name }) => (name === 'iq' ? { veto: true } : undefined) },
      { onStanzaIn: ({ name }) => void asked.push(name) },
    );
    await fails(romeo.request({ to: NODE, type: 'get', payload: question() }), 'service-unavailable');
    assert.deepEqual(asked, [], 'a veto is the end of it');
    network.inject(`<iq type='get' to='${NODE}' id='1'/>`); // from nowhere
    romeo.send(elementOf(`<message to='${NODE}'><body>hello</body></message>`));
    await clock.advance(0);
    assert.deepEqual(asked, ['message']);
  });

  it('that go and are vetoed do not go: requests fail, answers become errors, messages vanish', async () => {
    await start({
      onStanzaOut: ({ name, type, text }) =>
        type === 'get' || type === 'result' || (name === 'message' && text.includes('secret'))
          ? { veto: true }
          : undefined,
    });
    await fails(node.request({ to: ROMEO, type: 'get', payload: question() }), 'not-allowed');
    await fails(romeo.request({ to: NODE, type: 'get', payload: question() }), 'service-unavailable');
    node.send(message('a secret'));
    node.send(message('hello'));
    await clock.advance(0);
    assert.deepEqual([...new Set(got)], ['hello']);
  });

  it('go their way when an extension fails, or answers too late', async () => {
    await start(
      {
        onStanzaIn: () => {
          throw new Error('broken');
        },
      },
      { onStanzaIn: (() => Promise.reject(new Error('later'))) as never },
      { onStanzaIn: (() => 'nonsense') as never },
    );
    await romeo.request({ to: NODE, type: 'get', payload: question() });
    assert.deepEqual(
      world.lines
        .filter((line) => line.includes('failed'))
        .map((line) => line.split(': ').slice(0, 3).join()),
      [
        '/one,onStanzaIn,broken',
        '/two,onStanzaIn,must answer at once, and returned a promise',
        '/three,onStanzaIn,it returned no object',
      ],
    );
  });

  it('do not come through when the extension is required', async () => {
    await start({
      required: true,
      onStanzaIn: () => {
        throw new Error('broken');
      },
    });
    await fails(romeo.request({ to: NODE, type: 'get', payload: question() }), 'service-unavailable');
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { descriptionCodec } from '../../src/stanza/xep0234-file-transfer.js';
import { elementOf } from '../support/codec-fixtures.js';
import { JinglePair, type JinglePairInit, NODE } from '../support/jingle-pair.js';
import { BARE_CONTENT, contentOf, RawJinglePeer } from '../support/raw-jingle-peer.js';
import { settle } from '../support/virtual-clock.js';

const BYTES = randomBytes(100_000);

describe('Session: rules for peers', () => {
  let pair: JinglePair;
  let peer: RawJinglePeer;

  async function open(init: JinglePairInit = {}) {
    pair = await JinglePair.open(init);
    pair.files.offer('a', BYTES);
    peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
  }
  /** A session that the node has accepted, and where nobody connects. */
  async function accepted(sid = 's1') {
    await open();
    assert.equal(await peer.request(sid), 'acked');
    return await peer.next('session-accept');
  }
  afterEach(async () => {
    await pair.close();
    await peer.stop();
  });

  it('accepts a request with what it knows of the file, in the namespace that it came in', async () => {
    await open();
    const file = '<name>a</name>';
    for (const ns of [NS.fileTransfer5, NS.fileTransfer4] as const) {
      const content = contentOf({ sid: ns, file, fileTransfer: ns });
      assert.equal(await peer.send('session-initiate', ns, content), 'acked');
      const accept = await peer.next('session-accept');
      assert.equal(accept.responder, NODE);
      const [given] = accept.contents;
      assert.deepEqual([given?.creator, given?.name, given?.senders], ['initiator', 'c', 'responder']);
      assert.ok(given);
      const described = descriptionCodec(ns).fromXml(given.description);
      assert.equal(described.size, BYTES.length);
      assert.deepEqual(described.range, { offset: 0, hashes: [] });
      assert.equal(given.description.getChild('file')?.getChildren('hash').length, 1);
      await peer.send('session-terminate', ns);
    }
  });

  describe('refuses a session, after acknowledging it,', () => {
    const file = '<name>a</name>';
    const cases: readonly [string, string, string][] = [
      ['that offers a file', contentOf({ sid: 's', file, senders: 'initiator' }), 'decline'],
      ['that offers a file as Gajim does', contentOf({ sid: 's', file, senders: 'both' }), 'decline'],
      [
        'of another application',
        contentOf({ sid: 's', file, fileTransfer: 'urn:xmpp:jingle:apps:rtp:1' }),
        'unsupported-applications',
      ],
      [
        'over a transport that it does not have',
        contentOf({ sid: 's', file, ns: 'urn:xmpp:jingle:transports:ice-udp:1' }),
        'unsupported-transports',
      ],
      [
        'that must be secured',
        contentOf({ sid: 's', file, also: "<security xmlns='urn:xmpp:jingle:security:xtls:0'/>" }),
        'security-error',
      ],
    ];
    for (const [what, content, reason] of cases) {
      it(`${what}: ${reason}`, async () => {
        await open();
        assert.equal(await peer.send('session-initiate', 's', content), 'acked');
        assert.equal((await peer.next('session-terminate')).reason?.condition, reason);
        assert.equal(await peer.send('session-info', 's'), 'item-not-found unknown-session');
        await pair.ended();
      });
    }
  });

  it('refuses what is malformed at once, and keeps nothing of it', async () => {
    await open();
    assert.equal(await peer.send('session-initiate', 's', BARE_CONTENT), 'bad-request');
    assert.equal(await peer.send('session-eat', 's'), 'bad-request');
    const content = contentOf({ sid: 's', file: '<size>-1</size>' });
    assert.equal(await peer.send('session-initiate', 's', content), 'bad-request');
    const ours = contentOf({ sid: 's', file: '' }).replace("creator='initiator'", "creator='responder'");
    assert.equal(await peer.send('session-initiate', 's', ours), 'bad-request');
    const noSid = contentOf({ sid: 's', file: '' }).replace("sid='s'", '');
    assert.equal(await peer.send('session-initiate', 's', noSid), 'bad-request');
    assert.equal(pair.serving.sessionCount, 0);
    assert.deepEqual(peer.inbox, []);
  });

  for (const [what, malformed] of [
    ['a description', contentOf({ sid: 't2', file: '<size>many</size>' })],
    ['a transport', contentOf({ sid: 't2', file: '<name>a</name>' }).replace(" sid='t2'", '')],
  ] as const) {
    it(`keeps nothing of contents that came with ${what} that is malformed`, async () => {
      await accepted('live');
      const before = [pair.clock.pendingTimers, pair.bytestreams.open.size];
      const fine = contentOf({ sid: 't1', file: '<name>a</name>' }).replace("'c'", "'d'");
      const both = fine + malformed.replace("'c'", "'e'");
      assert.equal(await peer.send('session-initiate', 's', both), 'bad-request');
      assert.equal(await peer.send('content-add', 'live', both), 'bad-request');
      await settle();
      assert.deepEqual([pair.clock.pendingTimers, pair.bytestreams.open.size], before);
      assert.deepEqual(peer.inbox, [], 'nothing more is said of them');
      assert.equal(pair.serving.sessionCount, 1);
    });
  }

  it('knows no session but those that are', async () => {
    await open();
    for (const action of ['session-info', 'session-terminate']) {
      assert.equal(await peer.send(action, 'none'), 'item-not-found unknown-session');
    }
  });

  it('answers out-of-order what has no place', async () => {
    await accepted();
    const inside = contentOf({ sid: 's1', file: '<name>a</name>' });
    const outOfOrder = 'unexpected-request out-of-order';
    assert.equal(await peer.request('s1'), outOfOrder);
    assert.equal(await peer.send('session-accept', 's1', inside), outOfOrder);
    assert.equal(await peer.send('content-accept', 's1', inside), outOfOrder);
    assert.equal(await peer.send('content-reject', 's1', BARE_CONTENT), outOfOrder);
    const position = inside.replace('<name>a</name>', '<range/>');
    assert.equal(await peer.send('description-info', 's1', position), 'not-acceptable');
    assert.equal(await peer.send('transport-accept', 's1', inside), outOfOrder);
    assert.equal(await peer.send('transport-reject', 's1', BARE_CONTENT), outOfOrder);
    assert.equal(await peer.send('session-info', 's1'), 'acked'); // and lives on
  });

  it('answers a ping, takes a checksum and <received/>, and knows no other information', async () => {
    await accepted();
    assert.equal(await peer.send('session-info', 's1'), 'acked');
    const received = `<received xmlns='${NS.fileTransfer5}' creator='initiator' name='c'/>`;
    assert.equal(await peer.send('session-info', 's1', received), 'acked');
    const other = received.replace("name='c'", "name='d'");
    assert.equal(await peer.send('session-info', 's1', other), 'item-not-found');
    const ringing = "<ringing xmlns='urn:xmpp:jingle:apps:rtp:1:info'/>";
    const unsupported = 'feature-not-implemented unsupported-info';
    assert.equal(await peer.send('session-info', 's1', ringing), unsupported);
    assert.equal(await peer.send('description-info', 's1', BARE_CONTENT), unsupported);
    assert.equal(await peer.send('security-info', 's1', BARE_CONTENT), unsupported);
    const info = "<content creator='initiator' name='c'><transport xmlns='urn:x' sid='s1'/></content>";
    assert.equal(await peer.send('transport-info', 's1', info), unsupported);
  });

  it('takes further contents, and rejects what it would have refused by itself', async () => {
    await accepted();
    const more = (name: string, file: string) =>
      contentOf({ sid: name, file }).replace("name='c'", `name='${name}'`);
    assert.equal(await peer.send('content-add', 's1', more('d', '<name>a</name>')), 'acked');
    assert.deepEqual((await peer.next('content-accept')).contents[0]?.name, 'd');
    assert.equal(await peer.send('content-add', 's1', more('e', '<name>none</name>')), 'acked');
    const { contents, reason } = await peer.next('content-reject');
    assert.deepEqual(contents, [{ creator: 'initiator', name: 'e', senders: 'responder' }]);
    assert.equal(reason?.application?.getName(), 'file-not-available');
    // A duplicate, one of a name that was, one that would be ours.
    for (const name of ['c', 'd', 'e']) {
      assert.equal(await peer.send('content-add', 's1', more(name, '<name>a</name>')), 'conflict');
    }
    const ours = more('f', '').replace("creator='initiator'", "creator='responder'");
    assert.equal(await peer.send('content-add', 's1', ours), 'bad-request');
    // What still comes for one that is over harms nobody.
    const past = BARE_CONTENT.replace("name='c'", "name='e'");
    assert.equal(await peer.send('content-remove', 's1', past), 'acked');
    assert.equal(await peer.send('session-info', 's1'), 'acked');
  });

  it('does not let the direction of a content be changed, and takes what leaves it', async () => {
    await accepted();
    const modify = (senders: string, name = 'c') =>
      peer.send('content-modify', 's1', `<content creator='initiator' name='${name}' senders='${senders}'/>`);
    for (const senders of ['initiator', 'none']) assert.equal(await modify(senders), 'not-acceptable');
    for (const senders of ['responder', 'both', 'responder']) assert.equal(await modify(senders), 'acked');
    assert.equal(await modify('initiator'), 'not-acceptable');
    assert.equal(await modify('responder', 'd'), 'item-not-found');
    assert.equal(await peer.send('content-modify', 's1', BARE_CONTENT), 'bad-request');
    assert.deepEqual(peer.inbox, [], 'no content-accept answers it');
    assert.equal(await peer.send('session-info', 's1'), 'acked');
  });

  it('takes no more contents in one session than it may', async () => {
    await open({ maxUploads: 50, maxUploadsPerPeer: 50, engine: { maxContents: 3 } });
    await peer.request('s1');
    await peer.next('session-accept');
    const answers: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      const more = contentOf({ sid: `t${count}`, file: '<name>a</name>' }).replace(
        "name='c'",
        `name='c${count}'`,
      );
      answers.push(await peer.send('content-add', 's1', more));
    }
    assert.deepEqual(answers, ['acked', 'acked', ...Array<string>(3).fill('resource-constraint')]);
  });

  it('is not made to owe a peer more answers than it may', async () => {
    await accepted();
    pair.net.drop((stanza) => stanza.attrs.from === 'peer@example.org/raw' && stanza.attrs.type === 'result');
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const answers: string[] = [];
    for (let count = 0; count < 40; count += 1) {
      const more = contentOf({ sid: 's2', file: '' }).replace("name='c'", `name='more${count}'`);
      answers.push(await peer.send('content-add', 's1', more));
      await settle();
    }
    assert.equal(answers[0], 'acked');
    assert.equal(answers.at(-1), 'resource-constraint');
    await pair.clock.advance(120_000);
    await pair.ended();
    process.off('warning', onWarning);
    assert.deepEqual(warnings, [], 'they are bounded, which is no leak');
  });

  it('leaves no listener behind, whatever is said and however often', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    await accepted();
    for (let count = 0; count < 100; count += 1) {
      // Each has the node say something that has to be acknowledged.
      const more = contentOf({ sid: 's2', file: '<name>none</name>' }).replace("'c'", `'more${count}'`);
      assert.equal(await peer.send('content-add', 's1', more), 'acked');
      await peer.next('content-reject');
    }
    for (let count = 0; count < 50; count += 1) {
      assert.equal(await peer.request(`more${count}`), 'acked');
      await peer.next('session-accept');
      assert.equal(await peer.send('session-terminate', `more${count}`), 'acked');
    }
    await settle();
    process.off('warning', onWarning);
    assert.deepEqual(warnings, []);
  });

  // Psi removes the only content when SOCKS5 failed, and says nothing more.
  it('ends a session whose only content is removed', async () => {
    await accepted();
    const reason = '<reason><failed-transport/></reason>';
    const stranger = BARE_CONTENT.replace("name='c'", "name='d'");
    assert.equal(await peer.send('content-remove', 's1', stranger + reason), 'item-not-found');
    assert.equal(await peer.send('content-remove', 's1', BARE_CONTENT + reason), 'acked');
    assert.equal((await peer.next('session-terminate')).reason?.condition, 'failed-transport');
    await pair.ended();
  });

  it('hears nobody but the peer, at no address but the session’s', async () => {
    await accepted();
    const other = await RawJinglePeer.online(pair.net, 'peer@example.org/other', NODE);
    assert.equal(await other.send('session-terminate', 's1'), 'item-not-found unknown-session');
    const payload = elementOf(`<jingle xmlns='${NS.jingle}' action='session-terminate' sid='s1'/>`);
    const to = parseJid(`${NODE}/elsewhere`);
    await assert.rejects(peer.entity.request({ to, type: 'set', payload }), { condition: 'item-not-found' });
    await other.stop();
    assert.equal(await peer.send('session-info', 's1'), 'acked');
  });

  it('does not begin a session for somebody else', async () => {
    await open();
    const content = contentOf({ sid: 's1', file: '<name>a</name>' });
    await peer.send('session-initiate', 's1', content, "initiator='victim@example.org/pda'");
    await peer.next('session-accept');
    assert.ok(!pair.stanzas.some(({ attrs }) => String(attrs.to).startsWith('victim')));
  });

  it('lets two peers use one sid', async () => {
    await accepted();
    const other = await RawJinglePeer.online(pair.net, 'other@example.org/raw', NODE);
    assert.equal(await other.request('s1'), 'acked');
    await other.next('session-accept');
    assert.equal(await other.send('session-terminate', 's1'), 'acked');
    assert.equal(await peer.send('session-info', 's1'), 'acked');
    await other.stop();
  });

  it('ends when the peer has forgotten the session', async () => {
    await open();
    peer.answer = new StanzaError('item-not-found');
    assert.equal(await peer.request('s1'), 'acked');
    await peer.next('session-accept');
    await pair.ended();
    assert.deepEqual(peer.inbox, []); // whoever has forgotten it need not be told
  });

  it('ends when the peer goes offline and comes back without it', async () => {
    await accepted();
    pair.net.cut('peer@example.org/raw');
    await pair.clock.advance(30_000);
    await pair.clock.advance(60_000);
    await pair.ended();
  });

  it('bounds what one peer can begin, and goes on serving others', async () => {
    await open({ maxUploads: 50 });
    const answers: string[] = [];
    for (let count = 0; count < 200; count += 1) answers.push(await peer.request(`s${count}`));
    assert.equal(answers.filter((answer) => answer === 'acked').length, 10);
    assert.ok(answers.every((answer) => answer === 'acked' || answer === 'resource-constraint'));
    assert.deepEqual(await pair.fetch({ name: 'a' }), BYTES);
  });
});

describe('Session: as initiator', () => {
  let pair: JinglePair;
  let peer: RawJinglePeer;

  /** A download from a scripted peer, up to its session-initiate. */
  async function asked(range?: { offset: number; length?: number }) {
    pair = await JinglePair.open();
    peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
    const download = pair.serving.download({
      peer: peer.entity.jid,
      file: { name: 'a', hashes: [], hashesUsed: [], ...(range && { range: { ...range, hashes: [] } }) },
    });
    const initiate = await peer.next('session-initiate');
    const [content] = initiate.contents;
    const transportSid = String(content?.transport.attrs.sid);
    const accept = (file: string, ns: string = NS.s5b) =>
      peer.send(
        'session-accept',
        initiate.sid,
        contentOf({ sid: transportSid, file, ns }).replace("name='c'", "name='file'"),
      );
    return { download, sid: initiate.sid, transportSid, accept, initiate };
  }
  afterEach(async () => {
    await pair.close();
    await peer.stop();
  });

  it('asks for the file as responder’s, with a sid that nobody guesses', async () => {
    const { initiate } = await asked({ offset: 7, length: 5 });
    assert.equal(initiate.initiator, NODE);
    assert.match(initiate.sid, /^[\w-]{22}$/);
    const [content] = initiate.contents;
    assert.equal(content?.senders, 'responder');
    assert.ok(content);
    const file = descriptionCodec().fromXml(content.description);
    assert.deepEqual(file.range, { offset: 7, length: 5, hashes: [] });
  });

  it('fails with what the peer answers its session-initiate', async () => {
    pair = await JinglePair.open();
    peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
    peer.answer = new StanzaError('service-unavailable');
    const file = { hashes: [], hashesUsed: [] };
    const download = pair.serving.download({ peer: peer.entity.jid, file });
    await assert.rejects(
      download.accepted,
      (error: StanzaError) => error.condition === 'service-unavailable',
    );
    await pair.ended();
    await peer.next('session-initiate');
    assert.deepEqual(peer.inbox, []);
  });

  for (const [asks, tells] of [
    [{ offset: 100 }, "<size>1000</size><range offset='50'/>"],
    [{ offset: 100 }, "<size>1000</size><range length='900'/>"],
    [{ offset: 100, length: 10 }, "<size>1000</size><range offset='100' length='20'/>"],
    [undefined, "<size>1000</size><range offset='100'/>"],
  ] as const) {
    it(`takes no other range than it asked for: ${JSON.stringify(asks)}, ${tells}`, async () => {
      const { download, accept } = await asked(asks);
      assert.equal(await accept(tells), 'acked');
      assert.equal((await peer.next('session-terminate')).reason?.condition, 'failed-application');
      await assert.rejects(download.accepted, { code: 'session-failed' });
      await pair.ended();
    });
  }

  it('ends a session whose acceptance describes no file', async () => {
    const { download, accept } = await asked();
    assert.equal(await accept('<size>many</size>'), 'acked');
    assert.equal((await peer.next('session-terminate')).reason?.condition, 'failed-application');
    await assert.rejects(download.accepted, { code: 'parse' });
    await pair.ended();
  });

  // A known fault: details of one transport in answer to another.
  it('replaces a transport that was answered with another one', async () => {
    const { accept, sid } = await asked();
    assert.equal(await accept('<size>10</size>', NS.jingleIbb), 'acked');
    const replace = await peer.next('transport-replace');
    assert.equal(replace.contents[0]?.transport.getNS(), NS.jingleIbb);
    await peer.send('session-terminate', sid, '<reason><cancel/></reason>');
    await pair.ended();
  });

  it('keeps a checksum that comes early, and a bounded number of them', async () => {
    const { download, sid } = await asked();
    const hash = `<hash xmlns='${NS.hashes2}' algo='sha-256'>${Buffer.alloc(32).toString('base64')}</hash>`;
    const checksum = `<checksum xmlns='${NS.fileTransfer5}'><file>${hash}</file></checksum>`;
    for (let count = 0; count < 100; count += 1) {
      assert.equal(await peer.send('session-info', sid, checksum), 'acked');
    }
    assert.equal(download.checksums.length, 64);
    void download.finish('cancel');
    await pair.ended();
  });

  it('tells the peer when it is too silent to accept', async () => {
    const { download } = await asked();
    await pair.clock.advance(90_000);
    assert.equal((await peer.next('session-terminate')).reason?.condition, 'timeout');
    await assert.rejects(download.accepted, { code: 'session-failed', condition: 'timeout' });
    await pair.ended();
  });

  it('gives way to a session of the same sid where the peer’s address is lower', async () => {
    const { download, sid } = await asked();
    const content = contentOf({ sid, file: '<name>a</name>' });
    // files.example.org is lower than peer@example.org/raw.
    assert.equal(await peer.send('session-initiate', sid, content), 'conflict tie-break');
    void download.finish('cancel');
    await pair.ended();
    await peer.stop();
    peer = await RawJinglePeer.online(pair.net, 'a@example.org/raw', NODE);
    const lower = pair.serving.download({ peer: peer.entity.jid, file: { hashes: [], hashesUsed: [] } });
    const initiate = await peer.next('session-initiate');
    const again = contentOf({ sid: initiate.sid, file: '<name>none</name>' });
    assert.equal(await peer.send('session-initiate', initiate.sid, again), 'acked');
    assert.equal((await peer.next('session-terminate')).reason?.condition, 'failed-application');
    await assert.rejects(lower.accepted, { code: 'session-failed' });
    await pair.ended();
  });
});

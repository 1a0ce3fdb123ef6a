import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { AbortedError, LimitError } from '../../src/errors.js';
import {
  type FileDownload,
  type FileOffer,
  type FileSession,
  SessionEndedError,
} from '../../src/jingle/file-session.js';
import { SessionFailedError } from '../../src/jingle/reason.js';
import { defaultJingleTimeouts } from '../../src/jingle/timeouts.js';
import { NS } from '../../src/stanza/namespaces.js';
import { jingleError } from '../../src/stanza/xep0166-jingle.js';
import { ASKER, bytesOf, JinglePair, type JinglePairInit, NODE } from '../support/jingle-pair.js';
import { MemoryTransport } from '../support/memory-transport.js';
import { BARE_CONTENT, contentOf, RawJinglePeer } from '../support/raw-jingle-peer.js';
import { settle } from '../support/virtual-clock.js';

const FILES = Array.from({ length: 4 }, (_, index) => randomBytes(300_000 + index));
const [A, B, C, D] = FILES as [Buffer, Buffer, Buffer, Buffer];
const ask = (name: string) => ({ name, hashes: [], hashesUsed: [] });

describe('Several files in one session', () => {
  let pair: JinglePair;
  let downloads: FileDownload[];

  async function open(
    init: JinglePairInit = {},
    refuse: (offer: FileOffer) => Error | undefined = () => undefined,
  ) {
    downloads = [];
    pair = await JinglePair.open({
      onFileOffer: async (offer) => {
        const error = refuse(offer);
        if (error) throw error;
        return { take: (download) => downloads.push(download) };
      },
      ...init,
    });
    for (const [index, bytes] of FILES.entries()) pair.files.offer('abcd'.charAt(index), bytes);
  }
  afterEach(() => pair.close());

  const source = (name: string) => {
    const entry = pair.files.catalogue.get(`share/${name}` as Parameters<typeof pair.files.catalogue.get>[0]);
    assert.ok(entry);
    return pair.server.source(entry, ASKER, new AbortController().signal);
  };
  const count = (action: string) => pair.actions.filter((each) => each === action).length;

  describe('of which one is ended by the sender and still comes, byte by byte,', () => {
    let peer: RawJinglePeer;
    let session: FileSession;
    let wanted: FileDownload[];
    afterEach(() => peer.stop());

    beforeEach(async () => {
      await open();
      peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
      session = pair.serving.session({ peer: peer.entity.jid });
      wanted = [session.request(ask('a')), session.request(ask('b'))];
      session.begin();
      const { sid, contents } = await peer.next('session-initiate');
      const transport = new MemoryTransport({ type: 's5b', bytestreams: pair.bytestreams });
      const context = { self: peer.entity.jid, peer: NODE, sendInfo: async () => undefined };
      const negotiations = contents.map((each) =>
        transport.answer({ ...context, role: 'responder' }, each.transport),
      );
      const answers = await Promise.all(
        negotiations.map(
          async (each, index) =>
            `<content creator='initiator' name='${contents[index]?.name}' senders='responder'>` +
            `<description xmlns='${NS.fileTransfer5}'><file><size>100</size></file></description>` +
            `${await each.describe()}</content>`,
        ),
      );
      await peer.send('session-accept', sid, answers.join(''));
      const streams = await Promise.all(negotiations.map((each) => each.connect()));
      for (const each of streams) each.on('error', () => undefined).resume();
      streams[0]?.write('a');
      const removed = `<content creator='initiator' name='${contents[0]?.name}'/><reason><success/></reason>`;
      assert.equal(await peer.send('content-remove', sid, removed), 'acked');
      const trickle = () => {
        if (streams[0]?.destroyed) return;
        streams[0]?.write('a');
        pair.clock.after(50_000, trickle);
      };
      pair.clock.after(50_000, trickle);
      await pair.clock.advance(50_000);
      for (const each of negotiations) each.close();
    });

    it('a stop ends it', async () => {
      let stopped = false;
      const stopping = pair.serving.stop().then(() => {
        stopped = true;
      });
      await pair.clock.advance(2_000);
      assert.ok(stopped);
      await stopping;
      assert.ok(wanted.every((each) => each.stream.destroyed));
      await pair.clock.advance(50_000);
    });

    it('the verdict on another does not wait for it', async () => {
      let finished = false;
      void wanted[1]?.finish('cancel').then(() => {
        finished = true;
      });
      await settle();
      await pair.clock.advance(1);
      assert.ok(finished);
      assert.equal(wanted[0]?.stream.destroyed, false);
      await session.end('cancel');
      await pair.clock.advance(50_000);
    });
  });

  it('asked for together are answered together, and the last one ends it', async () => {
    await open();
    const session = pair.asking.session({ peer: NODE });
    const wanted = [session.request({ name: 'a' }), session.request({ name: 'b' })];
    session.begin();
    const bytes = await Promise.all(wanted.map((each) => bytesOf(each.stream)));
    assert.deepEqual(bytes, [A, B]);
    await wanted[0]?.finish('success');
    assert.equal(pair.asking.sessionCount, 1);
    await wanted[1]?.finish('success');
    assert.deepEqual(await session.ended, { reason: 'success' });
    await pair.ended();
    assert.equal(count('n session-accept'), 1);
    assert.equal(count('a session-terminate success'), 1);
    const received = pair.stanzas.filter((each) => each.getChild('jingle')?.getChild('received'));
    assert.equal(received.length, 1, 'the first is acknowledged while the second is under way');
  });

  it('go in both directions', async () => {
    await open();
    const session = pair.serving.session({ peer: ASKER });
    const uploads = [session.offer(await source('a')), session.offer(await source('b'))];
    session.begin();
    await pair.until(() => downloads.length === 2);
    assert.deepEqual(await Promise.all(downloads.map((each) => bytesOf(each.stream))), [A, B]);
    await Promise.all(downloads.map((each) => each.finish('success')));
    for (const upload of uploads) assert.equal((await upload.done).type, 'success');
    await pair.ended();
  });

  it('may be added while others are under way: ours and the peer’s', async () => {
    let asked: ReturnType<typeof pair.asking.session> | undefined;
    await open({
      onFileRequest: (request, signal) => {
        asked ??= request.session;
        return pair.server.handle(request, signal);
      },
    });
    const session = pair.asking.session({ peer: NODE });
    const first = session.request(ask('a'));
    session.begin();
    await first.accepted;
    const second = session.request(ask('b'));
    const offered = asked?.offer(await source('c'));
    assert.ok(offered);
    await pair.until(() => downloads.length === 1);
    const third = downloads[0];
    assert.ok(third);
    const bytes = await Promise.all([first, second, third].map((each) => bytesOf(each.stream)));
    assert.deepEqual(bytes, [A, B, C]);
    await Promise.all([first, second, third].map((each) => each.finish('success')));
    assert.equal((await offered.done).type, 'success');
    await pair.ended();
    assert.deepEqual([count('a content-add'), count('n content-accept')], [1, 1]);
    assert.deepEqual([count('n content-add'), count('a content-accept')], [1, 1]);
  });

  it('may be added before the session is accepted', async () => {
    let go: (() => void) | undefined;
    const decided = new Promise<void>((resolve) => {
      go = resolve;
    });
    await open({
      onFileRequest: async (request, signal) => {
        await decided;
        return await pair.server.handle(request, signal);
      },
    });
    const session = pair.asking.session({ peer: NODE });
    const first = session.request(ask('a'));
    session.begin();
    await pair.until(() => pair.actions.length === 1);
    const second = session.request(ask('b'));
    go?.();
    assert.deepEqual(await Promise.all([first, second].map((each) => bytesOf(each.stream))), [A, B]);
    await Promise.all([first, second].map((each) => each.finish('success')));
    await pair.ended();
  });

  it('of which one is refused go on with the others', async () => {
    await open();
    const session = pair.asking.session({ peer: NODE });
    const wanted = session.request(ask('a'));
    const missing = session.request(ask('nothing'));
    session.begin();
    await assert.rejects(
      missing.accepted,
      (error: SessionEndedError) => error.condition === 'file-not-available',
    );
    assert.deepEqual(await bytesOf(wanted.stream), A);
    await wanted.finish('success');
    await pair.ended();
    assert.equal(count('n content-reject failed-application'), 1);
  });

  it('of which all are refused end the session', async () => {
    await open();
    const session = pair.asking.session({ peer: NODE });
    const missing = [session.request(ask('x')), session.request(ask('y'))];
    session.begin();
    for (const each of missing) await assert.rejects(each.accepted, SessionEndedError);
    assert.equal((await session.ended).reason, 'failed-application');
    await pair.ended();
  });

  it('of which one is given up go on with the others', async () => {
    await open();
    const session = pair.asking.session({ peer: NODE });
    const [kept, dropped] = [session.request(ask('a')), session.request(ask('b'))];
    session.begin();
    await Promise.all([kept.accepted, dropped.accepted]);
    await dropped.finish('cancel');
    await assert.rejects(bytesOf(dropped.stream), AbortedError);
    assert.deepEqual(await bytesOf(kept.stream), A);
    await pair.until(() => pair.server.uploads === 1);
    await kept.finish('success');
    await pair.ended();
    assert.equal(count('a content-remove cancel'), 1);
  });

  it('of which one is declined or withdrawn by the one who offers go on with the others', async () => {
    await open({}, ({ file }) => (file.name === 'b' ? new SessionFailedError('decline', 'no') : undefined));
    const session = pair.serving.session({ peer: ASKER });
    const [a, b, c] = [
      session.offer(await source('a')),
      session.offer(await source('b')),
      session.offer(await source('c')),
    ];
    session.begin();
    await assert.rejects(b.accepted, (error: SessionEndedError) => error.reason === 'decline');
    await a.accepted;
    await pair.until(() => downloads.length === 2);
    await a.cancel();
    const [first, third] = downloads;
    assert.ok(first && third);
    await assert.rejects(bytesOf(first.stream), { code: 'session-ended', reason: 'cancel' });
    assert.deepEqual(await bytesOf(third.stream), C);
    await third.finish('success');
    assert.equal((await c.done).type, 'success');
    await pair.ended();
  });

  it('break and go on each by itself', async () => {
    await open();
    const session = pair.asking.session({ peer: NODE });
    const wanted = ['a', 'b', 'c', 'd'].map((name) => session.request(ask(name)));
    pair.bytestreams.breakAfterBytes = 200_000;
    session.begin();
    assert.deepEqual(await Promise.all(wanted.map((each) => bytesOf(each.stream))), [A, B, C, D]);
    await Promise.all(wanted.map((each) => each.finish('success')));
    await pair.ended();
    assert.equal(count('a transport-replace'), 1);
  });

  it('end with the session', async () => {
    await open();
    const session = pair.asking.session({ peer: NODE });
    const wanted = [session.request(ask('a')), session.request(ask('b'))];
    session.begin();
    await Promise.all(wanted.map((each) => each.accepted));
    await session.end('expired', 'too late');
    for (const each of wanted) await assert.rejects(bytesOf(each.stream), AbortedError);
    assert.equal((await session.ended).reason, 'expired');
    await assert.rejects(session.request(ask('c')).accepted, AbortedError);
    await pair.ended();
    assert.equal(count('a session-terminate expired'), 1);
  });

  it('are no more than they may be', async () => {
    await open({ engine: { maxContents: 2 } });
    const session = pair.asking.session({ peer: NODE });
    const wanted = ['a', 'b', 'c'].map((name) => session.request(ask(name)));
    session.begin();
    const [a, b, c] = wanted;
    assert.ok(a && b && c);
    await assert.rejects(c.accepted, LimitError);
    assert.deepEqual(await Promise.all([bytesOf(a.stream), bytesOf(b.stream)]), [A, B]);
    await Promise.all([a.finish('success'), b.finish('success')]);
    await pair.ended();
  });

  it('begin nothing when there is none, or never begin', async () => {
    await open();
    const empty = pair.asking.session({ peer: NODE });
    empty.begin();
    assert.ok((await empty.ended).error instanceof AbortedError);
    const never = pair.asking.session({ peer: NODE });
    const waiting = never.request(ask('a'));
    await pair.clock.advance(defaultJingleTimeouts.prepareMs);
    await assert.rejects(waiting.accepted);
    await pair.ended();
    assert.deepEqual(pair.actions, []);
  });

  describe('with a scripted peer', () => {
    let peer: RawJinglePeer;
    afterEach(() => peer.stop());

    /** Two requests of ours; the peer has heard of them. */
    async function asked() {
      await open();
      peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
      const session = pair.serving.session({ peer: peer.entity.jid });
      const wanted = [session.request(ask('a')), session.request(ask('b'))] as const;
      session.begin();
      const initiate = await peer.next('session-initiate');
      const accept = (name: string) => {
        const sid = String(initiate.contents.find((each) => each.name === name)?.transport.attrs.sid);
        return contentOf({ sid, file: '<size>5</size>' }).replace("name='c'", `name='${name}'`);
      };
      return { session, wanted, accept, sid: initiate.sid };
    }

    it('that accepts only some has rejected the rest', async () => {
      const { session, wanted, accept, sid } = await asked();
      assert.equal(await peer.send('session-accept', sid, accept('file-2')), 'acked');
      await assert.rejects(wanted[0].accepted, (error: SessionEndedError) => error.reason === 'decline');
      await wanted[1].accepted;
      void session.end('cancel');
      await pair.ended();
    });

    it('that replaces two transports, of which ours crosses one, has replaced neither', async () => {
      const { session, accept, sid } = await asked();
      const inBand = `<transport xmlns='${NS.jingleIbb}' sid='x'/>`;
      const other = accept('file-2').replace(/<transport[^>]*>/, inBand);
      assert.equal(await peer.send('session-accept', sid, accept('file') + other), 'acked');
      assert.equal((await peer.next('transport-replace')).contents[0]?.name, 'file-2');
      const both = ['file', 'file-2'].map(
        (name) => `<content creator='initiator' name='${name}'>${inBand}</content>`,
      );
      assert.equal(await peer.send('transport-replace', sid, both.join('')), 'conflict tie-break');
      assert.equal(
        await peer.send('transport-reject', sid, both.join('')),
        'unexpected-request out-of-order',
      );
      assert.equal(await peer.send('transport-info', sid, `${both[0]}${both[0]}`), 'bad-request');
      await settle();
      assert.deepEqual(
        peer.inbox.map(({ action }) => action),
        [],
      );
      void session.end('cancel');
      await pair.ended();
    });

    it('that accepts none of ours is out of order', async () => {
      const { session, accept, sid } = await asked();
      assert.equal(await peer.send('session-accept', sid, accept('other')), 'item-not-found');
      assert.equal(await peer.send('session-info', sid), 'acked');
      void session.end('cancel');
      await pair.ended();
    });

    it('that rejects and removes them one by one leaves a void session', async () => {
      const { session, wanted, accept, sid } = await asked();
      const named = (name: string) => BARE_CONTENT.replace("name='c'", `name='${name}'`);
      assert.equal(await peer.send('content-reject', sid, named('file')), 'acked');
      await assert.rejects(wanted[0].accepted, SessionEndedError);
      assert.equal(await peer.send('session-accept', sid, accept('file-2')), 'acked');
      await wanted[1].accepted;
      assert.equal(
        await peer.send('content-reject', sid, named('file-2')),
        'unexpected-request out-of-order',
      );
      assert.equal(
        await peer.send('content-remove', sid, `${named('file-2')}<reason><busy/></reason>`),
        'acked',
      );
      assert.equal((await peer.next('session-terminate')).reason?.condition, 'busy');
      assert.equal((await session.ended).reason, 'busy');
      await pair.ended();
    });

    it('whose content-add crosses ours: both stay', async () => {
      const { session, wanted, accept, sid } = await asked();
      await peer.send('session-accept', sid, accept('file') + accept('file-2'));
      await Promise.all(wanted.map((each) => each.accepted));
      const third = session.request(ask('c'));
      const theirs = contentOf({ sid: 't', file: '<name>a</name>', senders: 'initiator' }).replace(
        "creator='initiator'",
        "creator='responder'",
      );
      assert.equal(await peer.send('content-add', sid, theirs), 'acked');
      const actions = [(await peer.next('content-add')).action, (await peer.next('content-accept')).action];
      assert.deepEqual(actions, ['content-add', 'content-accept']);
      void session.end('cancel');
      await assert.rejects(third.accepted, AbortedError);
      await pair.ended();
    });

    it('whose content-add is preferred to ours: ours comes again', async () => {
      const { session, wanted, accept, sid } = await asked();
      await peer.send('session-accept', sid, accept('file') + accept('file-2'));
      await Promise.all(wanted.map((each) => each.accepted));
      peer.answer = jingleError('tie-break');
      const third = session.request(ask('c'));
      const first = await peer.next('content-add');
      peer.answer = undefined;
      await settle();
      await pair.clock.advance(1000);
      const again = await peer.next('content-add');
      assert.deepEqual(again.contents[0]?.name, first.contents[0]?.name);
      const transport = String(again.contents[0]?.transport.attrs.sid);
      const answer = contentOf({ sid: transport, file: '<size>5</size>' }).replace("'c'", "'file-3'");
      assert.equal(await peer.send('content-accept', sid, answer), 'acked');
      await third.accepted;
      void session.end('cancel');
      await pair.ended();
    });

    it('whose content-add is preferred to ours: ours does not come again when it was given up', async () => {
      const { session, wanted, accept, sid } = await asked();
      await peer.send('session-accept', sid, accept('file') + accept('file-2'));
      await Promise.all(wanted.map((each) => each.accepted));
      peer.answer = jingleError('tie-break');
      const third = session.request(ask('c'));
      await peer.next('content-add');
      await settle();
      peer.answer = undefined;
      await third.finish('cancel');
      await pair.clock.advance(1000);
      assert.equal((await peer.next('content-remove')).contents[0]?.name, 'file-3');
      await settle();
      assert.deepEqual(peer.inbox, []);
      void session.end('cancel');
      await pair.ended();
    });

    it('that will not hear of another one: the others stay', async () => {
      const { session, wanted, accept, sid } = await asked();
      await peer.send('session-accept', sid, accept('file') + accept('file-2'));
      await Promise.all(wanted.map((each) => each.accepted));
      for (const error of [jingleError('tie-break'), jingleError('out-of-order')]) {
        peer.answer = error;
        const refused = assert.rejects(session.request(ask('c')).accepted, { code: 'stanza' });
        await peer.next('content-add');
        for (let ties = 0; ties < 4; ties += 1) {
          await settle();
          await pair.clock.advance(500);
        }
        await refused;
        assert.ok(peer.inbox.length <= 4, 'it insists so often and no more');
        peer.inbox.length = 0;
      }
      peer.answer = undefined;
      assert.equal(await peer.send('session-info', sid), 'acked');
      void session.end('cancel');
      await pair.ended();
    });
  });
});

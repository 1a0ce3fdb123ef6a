/**
 * An engine, its handlers and a peer that do anything in any order: there is always an answer, always an
 * end, and nothing is left. fast-check prints the seed of what fails.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import v8 from 'node:v8';
import vm from 'node:vm';
import fc from 'fast-check';
import type { FileDownload, FileSession, FileUpload } from '../../src/jingle/file-session.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import type { Content, ContentRef, Jingle } from '../../src/stanza/xep0166-jingle.js';
import type { TransportNegotiation } from '../../src/transport/transport.js';
import { JinglePair, NODE } from '../support/jingle-pair.js';
import { MemoryTransport } from '../support/memory-transport.js';
import { contentOf, RawJinglePeer } from '../support/raw-jingle-peer.js';
import { settle } from '../support/virtual-clock.js';

const BYTES = randomBytes(200_000);

type Action =
  | { readonly do: 'stanza'; readonly action: string; readonly name: string; readonly body: string }
  | { readonly do: 'answer'; readonly error: boolean }
  /** Does what a peer that keeps to the rules would do next. */
  | { readonly do: 'proper' }
  | { readonly do: 'connect' | 'break' | 'end' }
  | { readonly do: 'write'; readonly bytes: number }
  | { readonly do: 'local'; readonly what: 'request' | 'offer' | 'finish' | 'cancel' | 'end' | 'destroy' }
  | { readonly do: 'fail'; readonly types: readonly ('s5b' | 'ibb')[] }
  | { readonly do: 'gone' }
  | { readonly do: 'wait'; readonly ms: number };

const NAMES = ['c', 'd', 'file', 'file-2'] as const;
const name = fc.constantFrom(...NAMES);

const request: Action = { do: 'stanza', action: 'session-initiate', name: 'c', body: '<name>a</name>' };
/** How it begins: with a session of either side's, or with anything. */
const beginning = fc.constantFrom<readonly Action[]>(
  [request, { do: 'connect' }],
  [{ ...request, body: '<size>100</size>' }, { do: 'connect' }],
  [{ do: 'local', what: 'request' }, { do: 'proper' }, { do: 'connect' }],
  [{ do: 'local', what: 'request' }, { do: 'proper' }, { do: 'connect' }, { do: 'write', bytes: 50_000 }],
  [],
);

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Action>({ do: 'proper' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('stanza' as const),
      action: fc.constantFrom(
        'session-initiate',
        'session-accept',
        'session-info',
        'session-terminate',
        'content-add',
        'content-accept',
        'content-reject',
        'content-remove',
        'content-modify',
        'description-info',
        'transport-info',
        'transport-replace',
        'transport-accept',
        'transport-reject',
      ),
      name,
      body: fc.constantFrom(
        '<name>a</name>',
        '<name>none</name>',
        '<size>100</size>',
        "<name>a</name><range offset='1000'/>",
        "<range offset='65536'/>",
        '<range/>',
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Action>({ do: 'connect' }, { do: 'connect' }, { do: 'break' }, { do: 'end' }),
  },
  fc.nat(120_000).map((bytes): Action => ({ do: 'write', bytes })),
  fc
    .constantFrom('request', 'offer', 'finish', 'cancel', 'end', 'destroy')
    .map((what): Action => ({ do: 'local', what: what as 'request' })),
  fc.boolean().map((error): Action => ({ do: 'answer', error })),
  fc.subarray(['s5b', 'ibb'] as const).map((types): Action => ({ do: 'fail', types })),
  fc.constant<Action>({ do: 'gone' }),
  fc.constantFrom(0, 0, 3_000, 11_000, 31_000, 91_000).map((ms): Action => ({ do: 'wait', ms })),
);

class Rig {
  readonly #uploads: FileUpload[] = [];
  readonly #streams: Duplex[] = [];
  readonly #negotiations: TransportNegotiation[] = [];
  #session: FileSession | undefined;
  #sid = 's';

  private constructor(
    private readonly pair: JinglePair,
    private readonly peer: RawJinglePeer,
    /** Those that were asked for, and those that were offered to us. */
    private readonly downloads: FileDownload[],
  ) {}

  static async open(): Promise<Rig> {
    const taken: FileDownload[] = [];
    const pair = await JinglePair.open({
      engine: { onFileOffer: async () => ({ take: (download) => taken.push(download) }) },
    });
    pair.files.offer('a', BYTES);
    const peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
    return new Rig(pair, peer, taken);
  }

  async perform(each: Action): Promise<void> {
    const { pair, peer } = this;
    switch (each.do) {
      case 'stanza': {
        const answer = await peer.send(each.action, this.#sid, this.#inside(each));
        assert.match(answer, /^[a-z-]+( [a-z-]+)?$/);
        assert.notEqual(answer, 'internal-server-error');
        break;
      }
      case 'answer':
        peer.answer = each.error ? new StanzaError('feature-not-implemented') : undefined;
        break;
      case 'proper':
        await this.#proper();
        break;
      case 'connect':
        this.#connect();
        break;
      case 'break':
        this.#streams.shift()?.destroy();
        break;
      case 'end':
        this.#streams[0]?.end();
        break;
      case 'write':
        if (this.#streams[0]?.writable === true) this.#streams[0].write(BYTES.subarray(0, each.bytes));
        break;
      case 'local':
        await this.#local(each.what);
        break;
      case 'fail':
        pair.bytestreams.failing.clear();
        for (const type of each.types) pair.bytestreams.failing.add(type);
        break;
      case 'gone':
        pair.serving.peerGone(peer.entity.jid);
        break;
      case 'wait':
        await pair.clock.advance(each.ms);
    }
    await settle();
    assert.ok(pair.serving.sessionCount <= 4);
  }

  /** What came about: without sessions that carry bytes there would be little to see. */
  get events(): { readonly accepted: boolean; readonly connected: boolean; readonly resumed: boolean } {
    const actions = this.pair.actions.join();
    return {
      accepted: actions.includes('session-accept'),
      connected: this.#streams.length > 0,
      resumed: actions.includes('n description-info'),
    };
  }

  async close(): Promise<void> {
    const { pair, peer } = this;
    peer.answer = undefined;
    for (let turn = 0; turn < 20 && pair.serving.sessionCount > 0; turn += 1)
      await pair.clock.advance(60_000);
    // Nobody reads our downloads, for which a receiver waits: that is our own side's doing.
    for (const negotiation of this.#negotiations) negotiation.close();
    for (const stream of this.#streams) stream.destroy();
    await this.#session?.end('cancel');
    for (let turn = 0; turn < 20 && pair.serving.sessionCount > 0; turn += 1)
      await pair.clock.advance(60_000);
    await pair.ended();
    for (const upload of this.#uploads) await upload.done;
    await pair.close();
    await peer.stop();
  }

  #inside({ action: what, name: content, body }: Extract<Action, { do: 'stanza' }>): string {
    if (what === 'session-terminate') return body.includes('none') ? '<reason><cancel/></reason>' : '';
    if (what === 'session-info') {
      if (body.includes('range')) return '';
      return `<received xmlns='${NS.fileTransfer5}' creator='initiator' name='${content}'/>`;
    }
    const transport = this.#transportSid();
    const whole = contentOf({
      sid: transport,
      file: body,
      senders: body.includes('size') ? 'initiator' : 'responder',
    });
    const creator = content.startsWith('file') && what !== 'content-add' ? this.#ours() : this.#theirs();
    return whole
      .replace("creator='initiator'", `creator='${creator}'`)
      .replace("name='c'", `name='${content}'`);
  }

  #ours() {
    return this.#sid === 's' ? 'responder' : 'initiator';
  }

  #theirs() {
    return this.#sid === 's' ? 'initiator' : 'responder';
  }

  /** That of the last transport that the node described, if it did. */
  #transportSid(): string {
    return String(this.#lastTransport()?.attrs.sid ?? 't');
  }

  #lastTransport() {
    for (const jingle of [...this.peer.inbox].reverse()) {
      if (!('contents' in jingle)) continue;
      for (const content of jingle.contents)
        if ('transport' in content && content.transport) return content.transport;
    }
    return undefined;
  }

  async #proper(): Promise<void> {
    const { peer } = this;
    const last: Jingle | undefined = peer.inbox.at(-1);
    const answers: Readonly<Record<string, string>> = {
      'session-initiate': 'session-accept',
      'content-add': 'content-accept',
      'transport-replace': 'transport-accept',
    };
    const answer = last && answers[last.action];
    if (!last || answer === undefined) {
      this.#connect();
      return;
    }
    const contents: readonly (Partial<Content> & ContentRef)[] = 'contents' in last ? last.contents : [];
    const inside = contents.map((each) => {
      const { transport } = each;
      const ns = transport?.getNS();
      const sid = String(transport?.attrs.sid);
      return contentOf({ sid, file: '<size>100000</size>', ...(ns !== undefined && { ns }) })
        .replace("creator='initiator'", `creator='${each.creator}'`)
        .replace("name='c'", `name='${each.name}'`);
    });
    await peer.send(answer, last.sid, inside.join(''));
    await settle();
    this.#connect();
  }

  #connect(): void {
    const transport = this.#lastTransport();
    if (!transport) return;
    const type = transport.getNS() === NS.s5b ? 's5b' : 'ibb';
    const context = {
      self: this.peer.entity.jid,
      peer: NODE,
      role: 'initiator' as const,
      sendInfo: async () => undefined,
    };
    const negotiation = new MemoryTransport({ type, bytestreams: this.pair.bytestreams }).answer(
      context,
      transport,
    );
    negotiation
      .connect()
      .then(
        (stream) => {
          stream.on('error', () => undefined);
          stream.resume();
          this.#streams.push(stream);
        },
        () => undefined,
      )
      .finally(() => negotiation.close());
    this.#negotiations.push(negotiation);
  }

  async #local(what: Extract<Action, { do: 'local' }>['what']): Promise<void> {
    if (!this.#session) {
      this.#session = this.pair.serving.session({ peer: this.peer.entity.jid });
      this.#sid = this.#session.sid;
      this.downloads.push(this.#session.request({ name: 'x', hashes: [], hashesUsed: [] }));
      this.#session.begin();
      return;
    }
    const entry = this.pair.files.catalogue.get(
      'share/a' as Parameters<typeof this.pair.files.catalogue.get>[0],
    );
    switch (what) {
      case 'request':
        this.downloads.push(this.#session.request({ name: 'x', hashes: [], hashesUsed: [] }));
        break;
      case 'offer':
        if (entry && this.pair.server.uploads < 5) {
          const source = await this.pair.server.source(
            entry,
            this.peer.entity.jid,
            new AbortController().signal,
          );
          this.#uploads.push(this.#session.offer(source));
        }
        break;
      case 'finish':
        void this.downloads.shift()?.finish('success');
        break;
      case 'cancel':
        void this.#uploads[0]?.cancel();
        break;
      case 'destroy':
        this.downloads.shift()?.stream.destroy();
        break;
      case 'end':
        void this.#session.end('cancel');
    }
  }
}

describe('JingleEngine: any sequence of events', function () {
  this.timeout(60_000);

  it('answers each, comes to an end and leaves nothing', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        beginning,
        fc.array(action, { minLength: 3, maxLength: 25 }),
        async (first, script) => {
          const rig = await Rig.open();
          for (const each of [...first, ...script]) await rig.perform(each);
          for (const [event, came] of Object.entries(rig.events))
            if (came) seen.set(event, (seen.get(event) ?? 0) + 1);
          await rig.close();
        },
      ),
      { numRuns: 300 },
    );
    // A peer whom nobody ever accepts would show little.
    for (const event of ['accepted', 'connected', 'resumed']) assert.ok((seen.get(event) ?? 0) > 10, event);
  });

  it('holds a bounded part of 10,000 session-initiates, and nothing once they are over', async () => {
    const pair = await JinglePair.open();
    pair.files.offer('a', BYTES);
    const peers = await Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        RawJinglePeer.online(pair.net, `p${index}@example.org/raw`, NODE),
      ),
    );
    const round = async (from: number, count: number) => {
      const answers = new Map<string, number>();
      for (let index = from; index < from + count; index += 1) {
        const peer = peers[index % peers.length];
        const answer = await peer?.request(`s${index}`);
        answers.set(answer ?? '', (answers.get(answer ?? '') ?? 0) + 1);
        assert.ok(pair.serving.sessionCount <= 20);
        for (const each of peers) each.inbox.length = 0;
        pair.stanzas.length = 0;
      }
      return answers;
    };
    await round(0, 500);
    const before = heapBytes();
    const answers = await round(500, 10_000);
    assert.deepEqual([...answers.keys()].sort(), ['resource-constraint']);
    assert.ok(pair.clock.pendingTimers < 200, `${pair.clock.pendingTimers} timers`);
    const grown = heapBytes() - before;
    assert.ok(grown < 10_000_000, `${grown} bytes more`);
    for (let turn = 0; turn < 10; turn += 1) await pair.clock.advance(60_000);
    await pair.ended();
    await pair.close();
    for (const peer of peers) await peer.stop();
  });

  it('holds a bounded part of 10,000 contents that one session is to take', async () => {
    const pair = await JinglePair.open();
    pair.files.offer('a', BYTES);
    const peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
    await peer.request('s');
    const before = heapBytes();
    for (let index = 0; index < 10_000; index += 1) {
      const content = contentOf({ sid: `t${index}`, file: '<name>none</name>' }).replace(
        "name='c'",
        `name='c${index}'`,
      );
      assert.match(await peer.send('content-add', 's', content), /^(acked|resource-constraint)$/);
      peer.inbox.length = 0;
      pair.stanzas.length = 0;
    }
    const grown = heapBytes() - before;
    assert.ok(grown < 10_000_000, `${grown} bytes more`);
    await peer.send('session-terminate', 's');
    await pair.ended();
    await pair.close();
    await peer.stop();
  });
});

/** What is in use once all that can be collected has been. */
function heapBytes(): number {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

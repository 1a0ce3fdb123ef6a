/** One in-band bytestream of ours against a peer, a reader, a writer and a network that do anything. */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import { ShoalError } from '../../src/errors.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { ibbCloseCodec, ibbMessage, ibbOpenCodec } from '../../src/stanza/xep0047-ibb.js';
import type { Element } from '../../src/stanza/xml.js';
import { BLOCK, data, IbbRig, juliet, rawData, romeo } from './ibb-rig.js';

type Answer = 'takes' | 'bounces' | 'refuses' | 'is silent';

type Action =
  | { readonly do: 'read' | 'end' | 'destroy' | 'suspend' | 'resume' | 'cut' | 'restore' }
  | { readonly do: 'write'; readonly bytes: number }
  | { readonly do: 'peer'; readonly answer: Answer }
  | { readonly do: 'wait'; readonly ms: number }
  /** The peer's next block in order, or one that is not. */
  | { readonly do: 'data'; readonly by: 'iq' | 'message'; readonly skip: number; readonly bytes: number }
  /** What is not base64. */
  | { readonly do: 'raw'; readonly seq: string; readonly text: string }
  | { readonly do: 'open' | 'close' };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.nat(100).map((bytes): Action => ({ do: 'write', bytes })),
  fc.constantFrom<Action>(
    { do: 'read' },
    { do: 'read' },
    { do: 'end' },
    { do: 'destroy' },
    { do: 'suspend' },
    { do: 'resume' },
    { do: 'cut' },
    { do: 'restore' },
    { do: 'open' },
    { do: 'close' },
  ),
  fc
    .constantFrom<Answer>('takes', 'takes', 'bounces', 'refuses', 'is silent')
    .map((answer): Action => ({ do: 'peer', answer })),
  fc.constantFrom(0, 0, 600, 5000, 130_000).map((ms): Action => ({ do: 'wait', ms })),
  fc.record({
    do: fc.constant('data' as const),
    by: fc.constantFrom('iq' as const, 'message' as const),
    skip: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, -1),
    bytes: fc.oneof(fc.nat(BLOCK), fc.constant(BLOCK), fc.constant(BLOCK + 1)),
  }),
  fc.record({
    do: fc.constant('raw' as const),
    seq: fc.constantFrom('0', '65535', '65536', '-1', 'x', ''),
    text: fc.oneof(
      fc.constantFrom('=AAA', 'BBBB=CCC', 'A', 'AAA', 'AA-_'),
      fc.base64String().map((text) => `=${text}`),
    ),
  }),
);

class Model {
  readonly rig = new IbbRig();
  #answer: Answer = 'takes';
  #seq = 0;
  readonly #written: Buffer[] = [];
  readonly taken: Buffer[] = [];
  readonly #toUs: Buffer[] = [];
  readonly read: Buffer[] = [];
  #next = 0;
  #stream: Duplex | undefined;

  async start(): Promise<void> {
    await this.rig.start();
    this.rig.onData = (block) => {
      if (this.#answer === 'bounces')
        throw new StanzaError('recipient-unavailable', undefined, { type: 'wait' });
      if (this.#answer === 'refuses') throw new StanzaError('item-not-found');
      assert.equal(block.seq, this.taken.length, 'a block out of order');
      this.taken.push(block.bytes);
      return this.#answer === 'is silent' ? new Promise(() => undefined) : undefined;
    };
    this.#stream = await this.rig.openedByPeer();
  }

  get stream(): Duplex {
    return this.#stream ?? assert.fail();
  }

  async perform(action: Action): Promise<void> {
    const { rig, stream } = this;
    switch (action.do) {
      case 'write':
        if (!stream.writableEnded && !stream.destroyed) this.#write(action.bytes);
        return;
      case 'read': {
        const chunk: Buffer | null = stream.read();
        if (chunk) this.read.push(chunk);
        return;
      }
      case 'end':
        stream.end();
        return;
      case 'destroy':
        stream.destroy();
        return;
      case 'suspend':
        rig.suspendable.suspend();
        return;
      case 'resume':
        rig.suspendable.resume();
        return;
      case 'cut':
        rig.network.cut(romeo);
        return;
      case 'restore':
        rig.network.restore(romeo);
        return;
      case 'peer':
        this.#answer = action.answer;
        return;
      case 'wait':
        await rig.clock.advance(action.ms);
        return;
      case 'data':
        return this.#data(action);
      case 'raw':
        return this.#ask(rawData(action.seq, action.text));
      case 'open':
        return this.#ask(ibbOpenCodec.toXml({ sid: 's', blockSize: BLOCK, stanza: 'iq' }));
      case 'close':
        return this.#ask(ibbCloseCodec.toXml({ sid: 's' }));
    }
  }

  /** What the peer took is how our bytes begin, and what we read is how the peer's begin. */
  check(): void {
    const ours = Buffer.concat(this.#written);
    const taken = Buffer.concat(this.taken);
    assert.ok(ours.subarray(0, taken.length).equals(taken), 'other bytes than were written');
    const theirs = Buffer.concat(this.#toUs);
    const read = Buffer.concat(this.read);
    assert.ok(theirs.subarray(0, read.length).equals(read), 'other bytes than were sent');
  }

  /** True when all that we wrote was taken. */
  get isComplete(): boolean {
    return Buffer.concat(this.#written).length === Buffer.concat(this.taken).length;
  }

  #write(bytes: number): void {
    const chunk = Buffer.alloc(bytes, this.#next);
    this.#next += 1;
    this.#written.push(chunk);
    this.stream.write(chunk, () => undefined);
  }

  #data(action: Extract<Action, { do: 'data' }>): void {
    const seq = (this.#seq + action.skip + 65_536) % 65_536;
    const text = String.fromCharCode(97 + (this.#seq % 26)).repeat(action.bytes);
    if (action.skip === 0 && action.bytes <= BLOCK) {
      this.#seq += 1;
      this.#toUs.push(Buffer.from(text));
    }
    if (action.by === 'iq') this.#ask(data(seq, text));
    else {
      const block = { sid: 's', seq, bytes: Buffer.from(text) };
      this.rig.peer.send(ibbMessage({ from: juliet, to: romeo }, block));
    }
  }

  #ask(payload: Element): void {
    this.rig.ask(payload).catch((thrown: unknown) => assert.ok(thrown instanceof Error));
  }
}

describe('IbbStream, modelled', () => {
  it('always ends, gives and takes bytes in order or not at all, and leaves nothing', async () => {
    let moved = 0;
    let complete = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const model = new Model();
        await model.start();
        for (const each of actions) await model.perform(each);
        await model.rig.clock.advance(0);
        model.check();
        if (model.taken.length > 0) moved += 1;
        if (model.isComplete && model.taken.length > 0) complete += 1;
        // Whatever has happened: nothing more comes from the peer, the session goes on, and our owner ends it.
        model.rig.suspendable.resume();
        model.stream.end();
        await model.rig.clock.advance(600_000);
        assert.ok(
          model.stream.writableFinished || model.stream.destroyed || model.stream.writableLength === 0,
          'the writer waits for ever',
        );
        const { errored } = model.stream;
        if (errored) assert.ok(errored instanceof ShoalError || 'code' in errored, String(errored));
        await model.rig.stop();
      }),
      { numRuns: 300 },
    );
    assert.ok(moved > 50 && complete > 20, `${moved} moved bytes, ${complete} all of them`);
  });

  it('stays small under ten thousand blocks of a peer that waits for nothing, and cuts it off', async () => {
    const rig = new IbbRig();
    await rig.start();
    const stream = await rig.openedByPeer();
    let largest = 0;
    for (let seq = 0; seq < 10_000 && !stream.destroyed; seq += 1) {
      rig.peer.send(ibbMessage({ from: juliet, to: romeo }, { sid: 's', seq, bytes: Buffer.alloc(BLOCK) }));
      rig.ask(data(seq)).catch(() => undefined); // and each once more
      if (seq % 500 === 0) await rig.clock.advance(0);
      largest = Math.max(largest, stream.readableLength);
    }
    await rig.clock.advance(0);
    assert.ok(stream.destroyed, 'a block that comes twice ends it');
    assert.ok(largest <= 400_000 + BLOCK);
    await rig.stop();
  });
});

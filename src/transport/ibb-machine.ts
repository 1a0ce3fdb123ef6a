/**
 * One in-band bytestream (XEP-0047) as a machine: opening, blocks in flight in our direction, the
 * order of blocks in the other, slowing down when blocks bounce, and the one close that IBB has.
 * The driver is `ibb-stream.ts`.
 */
import { defineMachine, rowsOf } from '../machine.js';
import type { StanzaErrorCondition, StanzaErrorType } from '../stanza/stanza-error.js';
import { SEQ_MODULUS } from '../stanza/xep0047-ibb.js';
import { afterAck, afterBounce, type Congestion, initialCongestion } from './ibb-window.js';

/** A block that the peer has not acknowledged. */
interface Block {
  readonly seq: number;
  /** Where it begins among all our bytes. */
  readonly offset: number;
  readonly bytes: Buffer;
  /** `bounced`: came back undelivered, is to be sent again. */
  readonly status: 'queued' | 'sent' | 'bounced';
}

/** Our direction. */
interface Sending {
  readonly nextSeq: number;
  /** In order of seq. */
  readonly blocks: readonly Block[];
  /** Bytes in all blocks so far. */
  readonly bytes: number;
  readonly congestion: Congestion;
  /** Times in a row that blocks bounced. */
  readonly bounces: number;
}

/** The peer's direction. */
interface Receiving {
  readonly nextSeq: number;
  readonly blockSize: number;
}

interface Both {
  readonly sending: Sending;
  readonly receiving: Receiving;
}

export type IbbState =
  /** Agreed on, opened by nobody. */
  | ({ readonly type: 'agreed' } & Both)
  /** We sent `<open/>`, with this size of blocks. */
  | ({ readonly type: 'opening'; readonly blockSize: number; readonly opensLeft: number } & Both)
  | ({ readonly type: 'open' } & Both)
  /** We have nothing more to send and wait for the last acknowledgements. */
  | ({ readonly type: 'ending' } & Both)
  /** We sent `<close/>`; until it is answered the peer may still send. */
  | { readonly type: 'closing'; readonly receiving: Receiving }
  /** The peer sent `<close/>`; we send what we still have before we answer. */
  | { readonly type: 'peer-closing'; readonly sending: Sending; readonly ended: 'ended' | 'writing' }
  | { readonly type: 'closed' }
  | { readonly type: 'failed' };

export type IbbEvent =
  /** We are to open it. */
  | { readonly type: 'start' }
  | { readonly type: 'opened' }
  | { readonly type: 'open-refused'; readonly why: string }
  /** The peer would take smaller blocks. */
  | { readonly type: 'open-too-large' }
  | { readonly type: 'peer-open'; readonly blockSize: number }
  /** A block of ours, at most of the agreed size. */
  | { readonly type: 'write'; readonly bytes: Buffer }
  /** `slow`: it took much longer than it should where nothing is congested. */
  | { readonly type: 'acked'; readonly seq: number; readonly slow: boolean }
  /** The block was not delivered, for a reason that may pass. */
  | { readonly type: 'bounced'; readonly seq: number }
  | { readonly type: 'refused'; readonly why: string }
  /** The time to wait after a bounce is over. */
  | { readonly type: 'retry' }
  /** We have nothing more to send. */
  | { readonly type: 'end' }
  | { readonly type: 'data'; readonly seq: number; readonly bytes: Buffer }
  /** Data that can't be read. */
  | { readonly type: 'malformed' }
  /** More data than the reader has room for. */
  | { readonly type: 'overflow' }
  | { readonly type: 'peer-close' }
  | { readonly type: 'close-answered' }
  /** We waited long enough for our own writer, after the peer's close. */
  | { readonly type: 'linger' }
  /** The connection to the peer is gone. */
  | { readonly type: 'lost'; readonly why: string }
  /** The stream's owner gives it up. */
  | { readonly type: 'destroy' };

export type IbbEffect =
  | { readonly type: 'send-open'; readonly blockSize: number }
  | { readonly type: 'send-data'; readonly seq: number; readonly bytes: Buffer }
  | { readonly type: 'send-close' }
  | { readonly type: 'answer-close' }
  /** It is open now; our blocks have this size at most. */
  | { readonly type: 'opened'; readonly blockSize: number }
  | { readonly type: 'deliver'; readonly bytes: Buffer }
  /** The error for the stanza that is being handled: a condition, and what the peer should do. */
  | { readonly type: 'refuse'; readonly condition: StanzaErrorCondition; readonly as: StanzaErrorType }
  | { readonly type: 'end-reader' }
  /** Nothing of ours is left to send or to be acknowledged. */
  | { readonly type: 'flushed' }
  | { readonly type: 'start-retry'; readonly bounces: number }
  | { readonly type: 'start-linger' }
  | { readonly type: 'fail'; readonly why: string };

type Next = { state: IbbState; effects: IbbEffect[] };

/** How often we open with half the size: to a 16th. */
const MAX_OPENS = 5;
/** The waits double each time: with 500 ms at first, 8 of them are two minutes. */
const MAX_BOUNCES = 8;

export function initialIbbState(init: { blockSize: number; window: number }): IbbState {
  const { blockSize, window } = init;
  return {
    type: 'agreed',
    sending: { nextSeq: 0, blocks: [], bytes: 0, congestion: initialCongestion(window), bounces: 0 },
    receiving: { nextSeq: 0, blockSize },
  };
}

/** True when a further `write` may be given. */
export function hasRoom(state: IbbState): boolean {
  if (state.type !== 'open' && state.type !== 'peer-closing') return false;
  return state.sending.blocks.length < state.sending.congestion.window;
}

/** Bytes that the peer has acknowledged, up to the first that it has not; undefined once it is over. */
export function acknowledgedBytes(state: IbbState): number | undefined {
  if (!('sending' in state)) return undefined;
  return state.sending.blocks[0]?.offset ?? state.sending.bytes;
}

/** Sends what may be sent now. */
function pump(sending: Sending): { sending: Sending; effects: IbbEffect[] } {
  let room = sending.congestion.window - sending.blocks.filter((block) => block.status === 'sent').length;
  if (room <= 0 || sending.blocks.some((block) => block.status === 'bounced'))
    return { sending, effects: [] };
  const effects: IbbEffect[] = [];
  const blocks = sending.blocks.map((block): Block => {
    if (block.status !== 'queued' || room === 0) return block;
    room -= 1;
    effects.push({ type: 'send-data', seq: block.seq, bytes: block.bytes });
    return { ...block, status: 'sent' };
  });
  return { sending: { ...sending, blocks }, effects };
}

function write(sending: Sending, bytes: Buffer): { sending: Sending; effects: IbbEffect[] } {
  const block: Block = { seq: sending.nextSeq, offset: sending.bytes, bytes, status: 'queued' };
  const nextSeq = (sending.nextSeq + 1) % SEQ_MODULUS;
  return pump({
    ...sending,
    nextSeq,
    bytes: sending.bytes + bytes.length,
    blocks: [...sending.blocks, block],
  });
}

/** Undefined when the acknowledgement makes no sense. */
function acked(
  sending: Sending,
  { seq, slow }: { readonly seq: number; readonly slow: boolean },
): { sending: Sending; effects: IbbEffect[] } | undefined {
  const { blocks } = sending;
  // A result for a later block means that the peer went on without this one: it can't have.
  const index = blocks.findIndex((block) => block.seq === seq);
  if (index < 0 || blocks.slice(0, index).some((block) => block.status === 'bounced')) return undefined;
  // What was sent before others bounced says nothing of now.
  const isOld = blocks.some((block) => block.status === 'bounced');
  const next: Sending = {
    ...sending,
    blocks: index === 0 ? blocks.slice(1) : blocks.filter((block) => block.seq !== seq),
    congestion: isOld ? sending.congestion : afterAck(sending.congestion, slow ? 'slow' : 'fast'),
    bounces: 0,
  };
  return settle(next) ?? pump(next);
}

function bounced(sending: Sending, seq: number): { sending: Sending; effects: IbbEffect[] } {
  const isFirst = !sending.blocks.some((block) => block.status === 'bounced');
  const blocks = sending.blocks.map(
    (block): Block => (block.seq === seq ? { ...block, status: 'bounced' } : block),
  );
  const congestion = isFirst ? afterBounce(sending.congestion) : sending.congestion;
  const next: Sending = { ...sending, blocks, congestion };
  return settle(next) ?? { sending: next, effects: [] };
}

/**
 * Once blocks have bounced and none is under way any more: all that is left waits and goes again
 * in order, one by one, for a block that overtakes another ends the bytestream (§2.2).
 */
function settle(sending: Sending): { sending: Sending; effects: IbbEffect[] } | undefined {
  const has = (status: Block['status']) => sending.blocks.some((block) => block.status === status);
  if (!has('bounced') || has('sent')) return undefined;
  const bounces = sending.bounces + 1;
  return { sending: { ...sending, bounces }, effects: [{ type: 'start-retry', bounces }] };
}

function retry(sending: Sending): { sending: Sending; effects: IbbEffect[] } {
  return pump({ ...sending, blocks: sending.blocks.map((block) => ({ ...block, status: 'queued' })) });
}

/** §2.2: what breaks the rules or the order ends the bytestream. */
function broken(why: string, ...before: IbbEffect[]): Next {
  return { state: { type: 'failed' }, effects: [...before, { type: 'send-close' }, { type: 'fail', why }] };
}

/** The same of what the peer sent. Where we have closed already, once is enough. */
function brokenByPeer(state: IbbState, why: string, ...before: IbbEffect[]): Next {
  if (state.type !== 'closing') return broken(why, ...before);
  return { state: { type: 'failed' }, effects: [...before, { type: 'fail', why }] };
}

function receive(
  state: Extract<IbbState, { readonly receiving: Receiving }>,
  event: { readonly seq: number; readonly bytes: Buffer },
): Next {
  const { receiving } = state;
  if (event.bytes.length > receiving.blockSize) {
    return brokenByPeer(state, 'a block larger than agreed', {
      type: 'refuse',
      condition: 'bad-request',
      as: 'cancel',
    });
  }
  if (event.seq !== receiving.nextSeq) {
    return brokenByPeer(state, 'a block out of sequence', {
      type: 'refuse',
      condition: 'unexpected-request',
      as: 'cancel',
    });
  }
  const next = { ...receiving, nextSeq: (receiving.nextSeq + 1) % SEQ_MODULUS };
  return { state: { ...state, receiving: next }, effects: [{ type: 'deliver', bytes: event.bytes }] };
}

/** In `ending` and `peer-closing`: goes on once the last block is acknowledged. */
function proceed(state: IbbState, effects: readonly IbbEffect[]): Next {
  if (state.type === 'ending' && state.sending.blocks.length === 0) {
    return {
      state: { type: 'closing', receiving: state.receiving },
      effects: [...effects, { type: 'send-close' }, { type: 'flushed' }],
    };
  }
  if (state.type === 'peer-closing' && state.ended === 'ended' && state.sending.blocks.length === 0) {
    return {
      state: { type: 'closed' },
      effects: [...effects, { type: 'answer-close' }, { type: 'flushed' }],
    };
  }
  return { state, effects: [...effects] };
}

function opened(state: Both, blockSize: number, before: readonly IbbEffect[] = []): Next {
  const { sending, receiving } = state;
  return { state: { type: 'open', sending, receiving }, effects: [...before, { type: 'opened', blockSize }] };
}

const row = rowsOf<IbbState, IbbEvent, IbbEffect>();
const SENDING = ['open', 'ending', 'peer-closing'] as const;
const OVER = ['closed', 'failed'] as const;

export const ibbMachine = defineMachine<IbbState, IbbEvent, IbbEffect>('ibb', [
  // Opening.
  ...row('agreed', 'start', 'XEP-0261 §2.2', ({ sending, receiving }) => {
    const { blockSize } = receiving;
    return {
      state: { type: 'opening', blockSize, opensLeft: MAX_OPENS - 1, sending, receiving },
      effects: [{ type: 'send-open', blockSize }],
    };
  }),
  ...row('open', 'start', 'local', (state) => ({ state })),
  ...row('opening', 'opened', 'XEP-0047 §2.1', (state) => opened(state, state.blockSize)),
  ...row('open', 'opened', 'XEP-0047 §2.1', (state) => ({ state })),
  ...row('opening', 'open-refused', 'XEP-0047 §2.1', (_, { why }) => ({
    state: { type: 'failed' },
    effects: [{ type: 'fail', why }],
  })),
  ...row('opening', 'open-too-large', 'XEP-0047 §2.1', (state) => {
    const blockSize = Math.floor(state.blockSize / 2);
    if (state.opensLeft === 0 || blockSize === 0) {
      return { state: { type: 'failed' }, effects: [{ type: 'fail', why: 'no block is small enough' }] };
    }
    return {
      state: { ...state, blockSize, opensLeft: state.opensLeft - 1 },
      effects: [{ type: 'send-open', blockSize }],
    };
  }),
  ...row('open', 'open-too-large', 'local', (state) => ({ state })), // the peer has opened meanwhile
  ...row(['agreed', 'opening', 'open'], 'peer-open', 'XEP-0261 §2.2', (state, { blockSize }) => {
    // A larger block than was agreed is refused, the peer may open again; a smaller one suits us.
    if (blockSize > state.receiving.blockSize) {
      return { state, effects: [{ type: 'refuse', condition: 'resource-constraint', as: 'modify' }] };
    }
    // COMPAT: where the responder proposed IBB, both sides may think that opening is theirs.
    // §2.1: its size bounds both directions.
    return opened(state, blockSize);
  }),

  // Our direction.
  ...row('open', 'write', 'XEP-0047 §2.2', (state, { bytes }) => {
    const { sending, effects } = write(state.sending, bytes);
    return { state: { ...state, sending }, effects };
  }),
  ...row('peer-closing', 'write', 'XEP-0047 §2.3', (state, { bytes }) => {
    const { sending, effects } = write(state.sending, bytes);
    return { state: { ...state, sending }, effects };
  }),
  ...row(SENDING, 'acked', 'XEP-0047 §2.2', (state, ack) => {
    const next = acked(state.sending, ack);
    if (!next) return broken('the peer went on without a block that was not delivered');
    return proceed({ ...state, sending: next.sending }, next.effects);
  }),
  ...row(SENDING, 'bounced', 'XEP-0047 §2.2', (state, { seq }) => {
    const { sending, effects } = bounced(state.sending, seq);
    if (sending.bounces > MAX_BOUNCES) return broken('blocks were not delivered');
    return { state: { ...state, sending }, effects };
  }),
  ...row(SENDING, 'retry', 'XEP-0047 §2.2', (state) => {
    const { sending, effects } = retry(state.sending);
    return { state: { ...state, sending }, effects };
  }),
  ...row(SENDING, 'refused', 'XEP-0047 §2.2', (_, { why }) => broken(why)),
  ...row('open', 'end', 'XEP-0047 §2.3', ({ sending, receiving }) =>
    proceed({ type: 'ending', sending, receiving }, []),
  ),
  ...row('peer-closing', 'end', 'XEP-0047 §2.3', (state) => proceed({ ...state, ended: 'ended' }, [])),

  // The peer's direction. A peer that sends has opened: its answer may be behind.
  ...row(['open', 'ending', 'closing'], 'data', 'XEP-0047 §2.2', receive),
  ...row('opening', 'data', 'XEP-0047 §2.2', (state, event) => {
    const first = receive(state, event);
    if (first.state.type !== 'opening') return first;
    return opened(first.state, state.blockSize, first.effects);
  }),
  ...row(['opening', 'open', 'ending', 'closing'], 'malformed', 'XEP-0047 §2.2', (state) =>
    brokenByPeer(state, 'a block that is not base64'),
  ),
  ...row(['opening', 'open', 'ending', 'closing'], 'overflow', 'local', (state) =>
    brokenByPeer(state, 'the peer sends without waiting', {
      type: 'refuse',
      condition: 'resource-constraint',
      as: 'cancel',
    }),
  ),

  // Closing.
  ...row(['open', 'ending'], 'peer-close', 'XEP-0047 §2.3', (state) =>
    proceed(
      { type: 'peer-closing', sending: state.sending, ended: state.type === 'ending' ? 'ended' : 'writing' },
      [{ type: 'end-reader' }, { type: 'start-linger' }],
    ),
  ),
  ...row('peer-closing', 'linger', 'XEP-0047 §2.3', (state) => {
    if (state.sending.blocks.length > 0) return { state, effects: [{ type: 'start-linger' }] };
    return { state: { type: 'closed' }, effects: [{ type: 'answer-close' }, { type: 'flushed' }] };
  }),
  ...row('closing', 'peer-close', 'XEP-0047 §2.3', () => ({
    state: { type: 'closed' },
    effects: [{ type: 'end-reader' }, { type: 'answer-close' }],
  })),
  ...row('closing', 'close-answered', 'XEP-0047 §2.3', () => ({
    state: { type: 'closed' },
    effects: [{ type: 'end-reader' }],
  })),
  ...row(['agreed', 'opening'], 'peer-close', 'XEP-0047 §2.3', () => ({
    state: { type: 'failed' },
    effects: [{ type: 'answer-close' }, { type: 'fail', why: 'the peer closed it at once' }],
  })),

  // The ends.
  ...row(['agreed', 'opening', 'open', 'ending', 'peer-closing'], 'lost', 'local', (_, { why }) => ({
    state: { type: 'failed' },
    effects: [{ type: 'fail', why }],
  })),
  ...row('closing', 'lost', 'local', () => ({
    state: { type: 'closed' },
    effects: [{ type: 'end-reader' }],
  })),
  ...row('agreed', 'destroy', 'local', () => ({ state: { type: 'closed' } })),
  ...row(['opening', 'open', 'ending'], 'destroy', 'XEP-0047 §2.3', () => ({
    state: { type: 'closed' },
    effects: [{ type: 'send-close' }],
  })),
  ...row('closing', 'destroy', 'local', () => ({ state: { type: 'closed' } })),
  ...row('peer-closing', 'destroy', 'XEP-0047 §2.3', () => ({
    state: { type: 'closed' },
    effects: [{ type: 'answer-close' }],
  })),
  // What was under way when it ended; the peer's own stanzas have no row, they are refused.
  ...(
    [
      'start',
      'opened',
      'open-refused',
      'open-too-large',
      'acked',
      'bounced',
      'refused',
      'retry',
      'close-answered',
      'linger',
      'lost',
      'destroy',
    ] as const
  ).flatMap((event) => row(OVER, event, 'local', (state) => ({ state }))),
]);

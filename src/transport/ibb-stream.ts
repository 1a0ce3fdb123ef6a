/**
 * An in-band bytestream as a stream of bytes: performs what `ibb-machine.ts` decides. The sender
 * is told of a block only when the reader has room for more, so that a slow disk slows the sender.
 */
import { Duplex } from 'node:stream';
import type { Clock, Timer } from '../clock.js';
import type { Entity, Unsubscribe } from '../entity/entity.js';
import type { Log } from '../log.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { IbbData, IbbOpen, IbbStanza } from '../stanza/xep0047-ibb.js';
import type { IbbAddress, IbbDispatcher, IbbEndpoint } from './ibb-dispatcher.js';
import {
  acknowledgedBytes,
  hasRoom,
  type IbbEffect,
  type IbbEvent,
  type IbbState,
  ibbMachine,
  initialIbbState,
} from './ibb-machine.js';
import { IbbOutbox } from './ibb-outbox.js';
import { type SentBytes, TransportFailedError } from './transport.js';

export interface IbbStreamComponents {
  readonly entity: Pick<Entity, 'request' | 'send' | 'onEvent'>;
  readonly dispatcher: Pick<IbbDispatcher, 'expect'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface IbbLimits {
  /** Blocks under way at once, before any is acknowledged; fewer where that is too much. */
  readonly window: number;
  /** For an answer to a block. Long: a peer that waits for its disk holds it back. */
  readonly ackTimeoutMs: number;
  /** For the answer to our `<close/>`, until which the peer may still send. Longer than a peer of our kind lingers. */
  readonly closeTimeoutMs: number;
  /** An answer that takes longer, though others were quick, makes the window narrower. */
  readonly slowAckMs: number;
  /** Before the first resend of a block that came back; doubles each time. */
  readonly retryDelayMs: number;
  /** How long our side may still begin to send after the peer's close. */
  readonly lingerMs: number;
  /** Received and not read; a peer that sends more without waiting is cut off. */
  readonly maxUnreadBytes: number;
}

export interface IbbStreamInit extends IbbLimits, IbbAddress {
  readonly blockSize: number;
  /** What our blocks go in, unless the peer's `<open/>` says otherwise. */
  readonly stanza: IbbStanza;
}

/** A window of 16 KiB blocks is about this; more would only be memory. */
const HIGH_WATER_BYTES = 131_072;
/** Acknowledgements held back; bounds peers that send empty blocks. */
const MAX_HELD_BLOCKS = 1024;

interface PendingWrite {
  readonly bytes: Buffer;
  offset: number;
  readonly callback: (error?: Error | null) => void;
}

export class IbbStream extends Duplex implements IbbEndpoint {
  readonly #components: IbbStreamComponents;
  readonly #init: IbbStreamInit;
  readonly #outbox: IbbOutbox;
  readonly #unexpect: () => void;
  readonly #unsubscribe: Unsubscribe;
  readonly #opened: Promise<void>;
  #resolveOpened: () => void = () => undefined;
  #rejectOpened: (error: Error) => void = () => undefined;
  #state: IbbState;
  /** Of our blocks: as agreed, or smaller where the peer opened it so. */
  #blockSize: number;
  #stanza: IbbStanza;
  #handedOverBytes = 0;
  #acknowledgedBytes = 0;
  #write: PendingWrite | undefined;
  #final: ((error?: Error | null) => void) | undefined;
  /** The reader's demand: blocks wait here to be acknowledged. */
  #held: { resolve(): void; reject(error: Error): void }[] = [];
  readonly #closeAnswered: Promise<void>;
  #answerClose: () => void = () => undefined;
  #retry: Timer | undefined;
  #linger: Timer | undefined;
  /** The error for the stanza that is being handled just now. */
  #refusal: StanzaError | undefined;

  constructor(components: IbbStreamComponents, init: IbbStreamInit) {
    super({ readableHighWaterMark: HIGH_WATER_BYTES, writableHighWaterMark: HIGH_WATER_BYTES });
    this.#components = components;
    this.#init = init;
    this.#state = initialIbbState(init);
    this.#blockSize = init.blockSize;
    this.#stanza = init.stanza;
    this.#outbox = new IbbOutbox(components, init);
    this.#opened = new Promise((resolve, reject) => {
      this.#resolveOpened = resolve;
      this.#rejectOpened = reject;
    });
    this.#closeAnswered = new Promise((resolve) => {
      this.#answerClose = resolve;
    });
    // Whoever waits in `opened` owns the failure; until then it is nobody's.
    this.#opened.catch(() => undefined);
    // Stays for good, see tcp-connector.ts.
    this.on('error', () => undefined);
    this.#unexpect = components.dispatcher.expect(init, this);
    this.#unsubscribe = components.entity.onEvent((event) => {
      // A session that is resumed has lost nothing, and nothing is said of it before.
      const isNew = event.type === 'online' && !event.resumed;
      if (isNew || event.type === 'offline' || event.type === 'failed') {
        this.#handle({ type: 'lost', why: 'the connection to the server was lost' });
      }
    });
  }

  /** Resolves once bytes can flow; rejects when they never will. */
  get opened(): Promise<void> {
    return this.#opened;
  }

  /** How far our bytes got; what is still to be cut into blocks is not handed over. */
  get sent(): SentBytes {
    return { handedOverBytes: this.#handedOverBytes, receivedBytes: this.#acknowledgedBytes };
  }

  /** Opens it, unless the peer has. */
  open(): void {
    this.#handle({ type: 'start' });
  }

  onOpen(open: IbbOpen): void {
    this.#handleFromPeer({ type: 'peer-open', blockSize: open.blockSize });
    this.#stanza = open.stanza;
  }

  async onData(data: IbbData, by: IbbStanza): Promise<void> {
    if (this.readableLength > this.#init.maxUnreadBytes || this.#held.length >= MAX_HELD_BLOCKS) {
      this.#handleFromPeer({ type: 'overflow' });
      return;
    }
    this.#handleFromPeer({ type: 'data', seq: data.seq, bytes: data.bytes });
    if (by === 'message' || this.readableLength < this.readableHighWaterMark) return;
    await new Promise<void>((resolve, reject) => {
      this.#held.push({ resolve, reject });
    });
  }

  onMalformed(): void {
    this.#handle({ type: 'malformed' });
  }

  async onClose(): Promise<void> {
    this.#handleFromPeer({ type: 'peer-close' });
    await this.#closeAnswered;
  }

  override _read(): void {
    const held = this.#held;
    this.#held = [];
    for (const each of held) each.resolve();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    // Blocks may have to be sent again when the writer has its memory back.
    this.#write = { bytes: Buffer.from(chunk), offset: 0, callback };
    this.#feed();
  }

  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    // Small writes that piled up share blocks.
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'utf8', callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#final = callback;
    if (!this.#handle({ type: 'end' })) this.#flushed();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#handle({ type: 'destroy' });
    this.#release();
    const gone = error ?? new TransportFailedError('the bytestream was destroyed', { sent: this.sent });
    this.#rejectOpened(gone);
    this.#write = undefined;
    for (const each of this.#held) each.reject(new StanzaError('item-not-found', 'no such bytestream'));
    this.#held = [];
    callback(error);
  }

  /** Cuts blocks off what is to be written, as many as may go. */
  #feed(): void {
    while (this.#write) {
      const write = this.#write;
      if (write.offset < write.bytes.length) {
        if (isOver(this.#state)) {
          this.#write = undefined;
          write.callback(new TransportFailedError('the bytestream is closed', { sent: this.sent }));
          return;
        }
        if (!hasRoom(this.#state)) return;
        const bytes = write.bytes.subarray(write.offset, write.offset + this.#blockSize);
        write.offset += bytes.length;
        this.#handedOverBytes += bytes.length;
        this.#handle({ type: 'write', bytes });
      } else {
        this.#write = undefined;
        write.callback();
      }
    }
  }

  #handleFromPeer(event: IbbEvent): void {
    this.#refusal = undefined;
    if (!this.#handle(event)) throw new StanzaError('item-not-found', 'no such bytestream');
    const refusal: StanzaError | undefined = this.#refusal;
    if (refusal !== undefined) throw refusal;
  }

  /** False when the event has no place in the present state. */
  #handle(event: IbbEvent): boolean {
    const step = ibbMachine.step(this.#state, event);
    if (!step) return false;
    const before = this.#state.type;
    this.#state = step.state;
    this.#acknowledgedBytes = acknowledgedBytes(step.state) ?? this.#acknowledgedBytes;
    if (before !== step.state.type) {
      this.#components.log.debug(
        {
          machine: ibbMachine.name,
          id: this.#init.sid,
          from: before,
          to: step.state.type,
          event: event.type,
        },
        'state',
      );
    }
    for (const effect of step.effects) this.#perform(effect);
    if (isOver(this.#state)) this.#release();
    if (event.type !== 'write') this.#feed();
    return true;
  }

  #perform(effect: IbbEffect): void {
    switch (effect.type) {
      case 'send-open':
        this.#sendOpen(effect.blockSize);
        return;
      case 'send-data':
        this.#sendData(effect.seq, effect.bytes);
        return;
      case 'send-close':
        this.#sendClose();
        return;
      case 'answer-close':
        this.#answerClose();
        return;
      case 'opened':
        this.#blockSize = effect.blockSize;
        this.#resolveOpened();
        return;
      case 'deliver':
        if (effect.bytes.length > 0) this.push(effect.bytes);
        return;
      case 'refuse':
        this.#refusal = new StanzaError(effect.condition, undefined, { type: effect.as });
        return;
      case 'end-reader':
        this.push(null);
        return;
      case 'flushed':
        this.#acknowledgedBytes = this.#handedOverBytes;
        this.#flushed();
        return;
      case 'start-retry':
        this.#retry = this.#components.clock.after(this.#init.retryDelayMs * 2 ** (effect.bounces - 1), () =>
          this.#sendAgain(),
        );
        return;
      case 'start-linger':
        this.#linger = this.#components.clock.after(this.#init.lingerMs, () =>
          this.#handle({ type: 'linger' }),
        );
        return;
      case 'fail':
        this.destroy(new TransportFailedError(`in-band bytestream: ${effect.why}`, { sent: this.sent }));
    }
  }

  #sendOpen(blockSize: number): void {
    void this.#outbox.open(blockSize, this.#stanza).then((fate) => {
      if (fate.type === 'refused') this.#handle({ type: 'open-refused', why: fate.why });
      else this.#handle({ type: fate.type === 'opened' ? 'opened' : 'open-too-large' });
    });
  }

  #sendData(seq: number, bytes: Buffer): void {
    void this.#outbox.data(seq, bytes, this.#stanza).then((fate) => {
      if (fate.type === 'acked') this.#handle({ type: 'acked', seq, slow: fate.slow });
      else if (fate.type === 'bounced') this.#handle({ type: 'bounced', seq });
      else this.#handle(fate);
    });
  }

  #sendClose(): void {
    if (this.#state.type === 'closing') {
      void this.#outbox.close().then(() => this.#handle({ type: 'close-answered' }));
    } else this.#outbox.closeAtOnce();
  }

  #sendAgain(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#handle({ type: 'retry' });
  }

  #flushed(): void {
    const final = this.#final;
    this.#final = undefined;
    final?.();
  }

  /** Lets go of everything but what the reader still has to read. */
  #release(): void {
    this.#retry?.cancel();
    this.#linger?.cancel();
    this.#outbox.abort();
    this.#unexpect();
    this.#unsubscribe();
    this.#answerClose();
  }
}

function isOver(state: IbbState): boolean {
  return state.type === 'closed' || state.type === 'failed';
}

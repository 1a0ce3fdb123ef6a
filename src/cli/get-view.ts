/** What a person sees of `shoal get`: a bar that moves on a terminal, a line now and then elsewhere. */
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { FetchEvent } from '../transfer/fetch/fetch-request.js';
import { LiveRegion } from './live-region.js';
import { printable } from './printable.js';
import { type Progress, progressFacts, progressLine, RateMeter } from './progress.js';
import { formatBytes, formatDuration } from './quantities.js';
import type { Io } from './terminal.js';

const REPAINT_MS = 100;
const LINE_MS = 5000; // in a log, that is enough

export interface GetViewComponents {
  readonly clock: Clock;
  readonly io: Pick<Io, 'out' | 'err'>;
}

export class GetView {
  readonly #clock: Clock;
  readonly #io: GetViewComponents['io'];
  readonly #name: string;
  readonly #region: LiveRegion | undefined;
  readonly #meter = new RateMeter();
  readonly #startedAtMs: number;
  #shownAtMs: number;
  #done = false;

  constructor({ clock, io }: GetViewComponents, { name }: { readonly name: string }) {
    this.#clock = clock;
    this.#io = io;
    this.#name = name;
    this.#region = io.err.isTerminal ? new LiveRegion(io.err) : undefined;
    this.#startedAtMs = clock.monotonic();
    this.#shownAtMs = this.#region === undefined ? this.#startedAtMs : Number.NEGATIVE_INFINITY;
  }

  /** True once the file is there. */
  get done(): boolean {
    return this.#done;
  }

  take(event: FetchEvent): void {
    switch (event.type) {
      case 'source':
        this.#say(sourceText(event));
        return;
      case 'progress':
        this.#progress(event);
        return;
      case 'verifying':
        if (this.#region === undefined) this.#say('checking the hash');
        else this.#region.paint([`${printable(this.#name)}  checking the hash`]);
        return;
      case 'done':
        this.#done = true;
        this.#finished(event);
        return;
    }
  }

  /** Takes the bar away. May be called after a failure too. */
  finish(): void {
    this.#region?.clear();
  }

  #progress(event: Extract<FetchEvent, { type: 'progress' }>): void {
    const nowMs = this.#clock.monotonic();
    // What was here before has no rate: the first sample begins above it.
    this.#meter.add(nowMs, event.receivedBytes);
    const complete = event.receivedBytes === event.totalBytes;
    const everyMs = this.#region === undefined ? LINE_MS : REPAINT_MS;
    if (nowMs - this.#shownAtMs < everyMs && !(complete && this.#region !== undefined)) return;
    this.#shownAtMs = nowMs;
    const progress: Progress = {
      name: this.#name,
      receivedBytes: event.receivedBytes,
      ...(event.totalBytes !== undefined && { totalBytes: event.totalBytes }),
      bytesPerSecond: this.#meter.bytesPerSecond,
    };
    if (this.#region === undefined) this.#say(progressFacts(progress).trimStart());
    else this.#region.paint([progressLine(progress, this.#io.err.columns)]);
  }

  #finished(event: Extract<FetchEvent, { type: 'done' }>): void {
    this.#region?.clear();
    const elapsedMs = this.#clock.monotonic() - this.#startedAtMs;
    const facts = [
      formatBytes(event.bytes),
      `in ${elapsedMs < 10_000 ? `${(elapsedMs / 1000).toFixed(1)} s` : formatDuration(elapsedMs)}`,
      event.verified ? 'hash verified' : 'hash not verified',
    ];
    this.#io.out.write(`${printable(event.path)}: ${facts.join(', ')}\n`);
  }

  /** A line that stays, above the bar. */
  #say(text: string): void {
    this.#region?.clear();
    this.#io.err.write(`${text}\n`);
  }
}

function sourceText(event: Extract<FetchEvent, { type: 'source' }>): string {
  const jid = printable(event.jid);
  switch (event.state) {
    case 'asking':
      return `asking ${jid}`;
    case 'receiving':
      return `receiving from ${jid}${event.transport === undefined ? '' : ` (${transportNames[event.transport]})`}`;
    case 'failed':
      return `${jid} failed${event.error === undefined ? '' : `: ${printable(messageOf(event.error))}`}`;
  }
}

const transportNames = { s5b: 'SOCKS5', ibb: 'in-band' };

/** What a person sees of one file being fetched: lines that move on a terminal, a line now and then elsewhere. */
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import { formatBytes, formatDuration } from '../quantities.js';
import type { DownloadEvent, DownloadProgress } from '../transfer/fetch/download-events.js';
import type { FetchEvent } from '../transfer/fetch/fetch-request.js';
import { downloadLines, sourceState, totalFacts, transportNames } from './download-lines.js';
import type { JobEvent } from './fetch-job.js';
import { eventToJson } from './fetch-json.js';
import { noticeOf } from './fetch-notices.js';
import { LiveRegion } from './live-region.js';
import { printable } from './printable.js';
import { type Progress, progressFacts, progressLine, RateMeter } from './progress.js';
import type { Io } from './terminal.js';

const REPAINT_MS = 100;
const LINE_MS = 5000; // in a log, that is enough
const JSON_MS = 1000;
const SHOWN_SOURCES = 8;

export interface GetViewComponents {
  readonly clock: Clock;
  readonly io: Pick<Io, 'out' | 'err'>;
}

export interface GetViewInit {
  readonly name: string;
  readonly form: 'lines' | 'json';
  /** Where the file goes, for JSON. */
  readonly target: string;
}

export class GetView {
  readonly #clock: Clock;
  readonly #io: GetViewComponents['io'];
  readonly #init: GetViewInit;
  readonly #region: LiveRegion | undefined;
  readonly #meter = new RateMeter();
  readonly #startedAtMs: number;
  /** What was last said of a source. */
  readonly #told = new Map<string, string>();
  #shownAtMs: number;
  #received: { readonly bytes: number; readonly ofBytes?: number } = { bytes: 0 };
  #done = false;

  constructor({ clock, io }: GetViewComponents, init: GetViewInit) {
    this.#clock = clock;
    this.#io = io;
    this.#init = init;
    this.#region = init.form === 'lines' && io.err.isTerminal ? new LiveRegion(io.err) : undefined;
    this.#startedAtMs = clock.monotonic();
    const isPatient = init.form === 'lines' && this.#region === undefined;
    this.#shownAtMs = isPatient ? this.#startedAtMs : Number.NEGATIVE_INFINITY;
  }

  /** True once the file is there. */
  get done(): boolean {
    return this.#done;
  }

  /** What is there, for whoever interrupts it. */
  get received(): { readonly bytes: number; readonly ofBytes?: number } {
    return this.#received;
  }

  take(event: JobEvent): void {
    if (event.type === 'done') this.#done = true;
    if (event.type === 'progress') {
      const { receivedBytes: bytes, totalBytes: ofBytes } = event;
      this.#received = { bytes, ...(ofBytes !== undefined && { ofBytes }) };
    }
    if (this.#init.form === 'json') this.#write(event);
    else this.#show(event);
  }

  /** Takes the moving lines away. May be called after a failure too. */
  finish(): void {
    this.#region?.clear();
  }

  #write(event: JobEvent): void {
    const nowMs = this.#clock.monotonic();
    if (event.type === 'progress') {
      if (nowMs - this.#shownAtMs < JSON_MS && event.receivedBytes !== event.totalBytes) return;
      this.#shownAtMs = nowMs;
    }
    this.#io.out.write(`${eventToJson(event, this.#init.target)}\n`);
  }

  #show(event: JobEvent): void {
    switch (event.type) {
      case 'source':
        this.#say(sourceText(event));
        return;
      case 'progress':
        if ('sources' in event) this.#downloading(event);
        else this.#progress(event);
        return;
      case 'verifying':
        if (this.#region === undefined) this.#say('checking the hash');
        else this.#region.paint([`${printable(this.#init.name)}  checking the hash`]);
        return;
      case 'done':
        this.#finished(event);
        return;
      case 'source-found':
        return; // it has a line of its own, or one when it gives something
      default:
        this.#say(noticeOf(event));
    }
  }

  #downloading(progress: DownloadProgress): void {
    if (this.#region === undefined) this.#sayOfSources(progress);
    if (!this.#isTime(progress.receivedBytes === progress.totalBytes)) return;
    const { columns, rows } = this.#io.err;
    if (this.#region !== undefined) {
      this.#region.clear();
      this.#region.paint(downloadLines(progress, { name: this.#init.name, columns, rows }));
    } else this.#say(`${totalFacts(progress).trimStart()}${atWork(progress)}`);
  }

  /** In a log: who begins to give something, and who lets us wait. */
  #sayOfSources({ sources }: DownloadProgress): void {
    for (const source of sources) {
      if (source.state !== 'receiving' && source.state !== 'queued') continue;
      const state = sourceState(source);
      if (this.#told.get(source.jid) === state) continue;
      this.#told.set(source.jid, state);
      this.#say(`${printable(source.jid)}: ${state}`);
    }
  }

  #progress(event: Extract<FetchEvent, { type: 'progress' }>): void {
    // What was here before has no rate: the first sample begins above it.
    this.#meter.add(this.#clock.monotonic(), event.receivedBytes);
    if (!this.#isTime(event.receivedBytes === event.totalBytes)) return;
    const progress: Progress = {
      name: this.#init.name,
      receivedBytes: event.receivedBytes,
      ...(event.totalBytes !== undefined && { totalBytes: event.totalBytes }),
      bytesPerSecond: this.#meter.bytesPerSecond,
    };
    if (this.#region === undefined) this.#say(progressFacts(progress).trimStart());
    else this.#region.paint([progressLine(progress, this.#io.err.columns)]);
  }

  #isTime(isComplete: boolean): boolean {
    const nowMs = this.#clock.monotonic();
    const everyMs = this.#region === undefined ? LINE_MS : REPAINT_MS;
    if (nowMs - this.#shownAtMs < everyMs && !(isComplete && this.#region !== undefined)) return false;
    this.#shownAtMs = nowMs;
    return true;
  }

  #finished(event: Extract<JobEvent, { type: 'done' }>): void {
    this.#region?.clear();
    const elapsedMs = this.#clock.monotonic() - this.#startedAtMs;
    const facts = [
      formatBytes(event.bytes),
      `in ${elapsedMs < 10_000 ? `${(elapsedMs / 1000).toFixed(1)} s` : formatDuration(elapsedMs)}`,
      'verified' in event && !event.verified ? 'hash not verified' : 'hash verified',
    ];
    if ('sources' in event) facts.push(...shares(event));
    this.#io.out.write(`${printable(event.path)}: ${facts.join(', ')}\n`);
  }

  /** A line that stays, above those that move. */
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

/** ` from a.x 10 MB/s, b.x 2 MB/s`. */
function atWork({ sources }: DownloadProgress): string {
  const active = sources.filter(({ state }) => state === 'receiving');
  const told = active
    .slice(0, SHOWN_SOURCES)
    .map(({ jid, bytesPerSecond }) => `${printable(jid)} ${formatBytes(bytesPerSecond)}/s`);
  if (active.length > told.length) told.push(`${active.length - told.length} more`);
  return told.length === 0 ? '' : `  from ${told.join(', ')}`;
}

/** Who gave how much, where it was more than one. */
function shares({ sources, bytes }: Extract<DownloadEvent, { type: 'done' }>): string[] {
  const gave = sources.filter(({ keptBytes }) => keptBytes > 0);
  if (gave.length < 2) return [];
  const told = gave
    .slice(0, SHOWN_SOURCES)
    .map(({ jid, keptBytes }) => `${printable(jid)} ${Math.round((keptBytes / Math.max(1, bytes)) * 100)} %`);
  if (gave.length > told.length) told.push(`${gave.length - told.length} more`);
  return [`from ${told.join(', ')}`];
}

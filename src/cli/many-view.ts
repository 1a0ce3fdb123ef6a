/** What a person sees of many files being fetched: the total, and a line for each that is under way. */
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { JobEvent } from './fetch-job.js';
import { eventToJson, failureToJson } from './fetch-json.js';
import { noticeOf } from './fetch-notices.js';
import { jsonLine } from './json-line.js';
import { LiveRegion } from './live-region.js';
import { cut, printable } from './printable.js';
import { progressLine, RateMeter } from './progress.js';
import type { Io } from './terminal.js';
import type { WishLine } from './wish-list.js';

const REPAINT_MS = 100;
const LINE_MS = 5000;
const JSON_MS = 1000;

export type Ended =
  | { readonly type: 'done' }
  /** An earlier run has brought it. */
  | { readonly type: 'there' }
  | { readonly type: 'failed'; readonly error: unknown; readonly wish: WishLine };

export interface ManyViewComponents {
  readonly clock: Clock;
  readonly io: Pick<Io, 'out' | 'err'>;
}

interface Running {
  readonly meter: RateMeter;
  totalBytes: number | undefined;
  receivedBytes: number;
  /** When progress of it was told last. */
  toldAtMs: number;
}

export class ManyView {
  readonly #clock: Clock;
  readonly #io: ManyViewComponents['io'];
  readonly #form: 'lines' | 'json';
  readonly #region: LiveRegion | undefined;
  readonly #running = new Map<string, Running>();
  readonly #meter = new RateMeter();
  readonly #counts = { done: 0, there: 0, failed: 0 };
  /** Of files that are known of. */
  #files = 0;
  #bytes = 0;
  /** Of those that were fetched to their end. */
  #doneBytes = 0;
  #shownAtMs: number;

  constructor({ clock, io }: ManyViewComponents, { form }: { readonly form: 'lines' | 'json' }) {
    this.#clock = clock;
    this.#io = io;
    this.#form = form;
    this.#region = form === 'lines' && io.err.isTerminal ? new LiveRegion(io.err) : undefined;
    this.#shownAtMs = clock.monotonic();
  }

  get failures(): number {
    return this.#counts.failed;
  }

  /** So many more are to be fetched. */
  found(files: number, bytes: number): void {
    this.#files += files;
    this.#bytes += bytes;
  }

  begin(target: string, totalBytes: number | undefined): void {
    const toldAtMs = Number.NEGATIVE_INFINITY;
    this.#running.set(target, { meter: new RateMeter(), totalBytes, receivedBytes: 0, toldAtMs });
  }

  take(target: string, event: JobEvent): void {
    const running = this.#running.get(target);
    if (running === undefined) return;
    if (event.type === 'progress') {
      running.receivedBytes = event.receivedBytes;
      running.totalBytes = event.totalBytes ?? running.totalBytes;
      running.meter.add(this.#clock.monotonic(), event.receivedBytes);
      this.#paint();
    }
    if (this.#form === 'json') this.#tellJson(target, event, running);
    else this.#tell(target, event);
  }

  ended(target: string, ended: Ended): void {
    const running = this.#running.get(target);
    this.#running.delete(target);
    this.#counts[ended.type] += 1;
    if (ended.type !== 'failed') this.#doneBytes += running?.totalBytes ?? running?.receivedBytes ?? 0;
    if (ended.type === 'failed') this.fault(ended.wish, ended.error, target, 'counted');
    else if (this.#form === 'json') {
      if (ended.type === 'there') this.#line(jsonLine({ event: 'there', target }));
    } else this.#line(`${printable(target)}${ended.type === 'there' ? ': was there already' : ''}`);
    this.#paint();
  }

  /** A wish that came to nothing. */
  fault(wish: WishLine, error: unknown, target?: string, counted?: 'counted'): void {
    if (counted === undefined) {
      this.#counts.failed += 1;
      this.#files += 1;
    }
    if (this.#form === 'json') {
      const facts = { ...(target !== undefined && { target }), wish: wish.text };
      this.#line(failureToJson(error, facts));
    }
    const what = printable(target ?? wish.text);
    const where = target === undefined && wish.line !== undefined ? `line ${wish.line}, ` : '';
    this.say(`${where}${what}: ${printable(messageOf(error))}`);
  }

  /** A line that stays. */
  say(text: string): void {
    this.#region?.clear();
    this.#io.err.write(`${text}\n`);
  }

  finish(): void {
    this.#region?.clear();
  }

  summarise(interrupted: boolean): void {
    const { done, there, failed } = this.#counts;
    if (this.#form === 'json') {
      this.#line(jsonLine({ event: 'summary', files: this.#files, done, there, failed }));
    }
    const facts = [`${done} ${done === 1 ? 'file' : 'files'} fetched`];
    if (there > 0) facts.push(`${there} there already`);
    if (failed > 0) facts.push(`${failed} failed`);
    const left = this.#files - done - there - failed;
    if (left > 0) facts.push(`${left} left`);
    if (interrupted) facts.push('stopped: the same command goes on from there');
    this.say(facts.join(', '));
  }

  #tell(target: string, event: JobEvent): void {
    switch (event.type) {
      case 'source':
        if (event.state === 'failed' && event.error !== undefined) {
          this.say(
            `${printable(target)}: ${printable(event.jid)} failed: ${printable(messageOf(event.error))}`,
          );
        }
        return;
      case 'progress':
      case 'verifying':
      case 'done':
      case 'source-found':
        return;
      default:
        this.say(`${printable(target)}: ${noticeOf(event)}`);
    }
  }

  #tellJson(target: string, event: JobEvent, running: Running): void {
    if (event.type === 'progress') {
      const nowMs = this.#clock.monotonic();
      if (nowMs - running.toldAtMs < JSON_MS) return;
      running.toldAtMs = nowMs;
    }
    this.#line(eventToJson(event, target));
  }

  #line(text: string): void {
    this.#region?.clear();
    this.#io.out.write(`${text}\n`);
  }

  #paint(): void {
    const nowMs = this.#clock.monotonic();
    const receivedBytes = [...this.#running.values()].reduce(
      (sum, each) => sum + each.receivedBytes,
      this.#doneBytes,
    );
    this.#meter.add(nowMs, receivedBytes);
    if (this.#form === 'json') return;
    if (nowMs - this.#shownAtMs < (this.#region === undefined ? LINE_MS : REPAINT_MS)) return;
    this.#shownAtMs = nowMs;
    const { done, there, failed } = this.#counts;
    const progress = { receivedBytes, totalBytes: this.#bytes, bytesPerSecond: this.#meter.bytesPerSecond };
    const { columns, rows } = this.#io.err;
    const total = progressLine(
      { name: `${done + there + failed} of ${this.#files} files`, ...progress },
      columns,
    );
    if (this.#region === undefined) {
      this.say(total);
      return;
    }
    const lines = [...this.#running].slice(0, Math.max(0, rows - 3)).map(([target, each]) =>
      cut(
        `  ${progressLine(
          {
            name: target,
            receivedBytes: each.receivedBytes,
            ...(each.totalBytes !== undefined && { totalBytes: each.totalBytes }),
            bytesPerSecond: each.meter.bytesPerSecond,
          },
          columns - 2,
        )}`,
        columns,
      ),
    );
    this.#region.clear();
    this.#region.paint([total, ...lines]);
  }
}

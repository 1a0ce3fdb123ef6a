/**
 * Which source is asked next, and when. Each once, in the order given; then those that may do
 * better another time, after a pause that doubles. Pure: handed the time, keeps only counts.
 */
import { ParseError } from '../../errors.js';
import { FileNotAvailableError, SessionEndedError } from '../../jingle/file-session.js';
import { StanzaError, type StanzaErrorCondition } from '../../stanza/stanza-error.js';
import type { FetchSource, SourceFailure } from './fetch-request.js';

export interface SourceOrderInit {
  /** A source that failed so often in a row without bringing bytes worth the while is given up. */
  readonly maxFailures: number;
  readonly retryDelayMs: number;
}

interface Record {
  readonly source: FetchSource;
  readonly place: number;
  failures: number;
  out: boolean;
  readyAtMs: number;
  error: Error | undefined;
  /** When it failed last, among all failures. */
  turn: number;
}

const MAX_DELAY_MS = 60_000; // longer, and a person at the terminal would start it again

export class SourceOrder {
  readonly #init: SourceOrderInit;
  readonly #records: Record[];
  #turns = 0;

  constructor(sources: readonly FetchSource[], init: SourceOrderInit) {
    this.#init = init;
    this.#records = sources.map((source, place) => ({
      source,
      place,
      failures: 0,
      out: false,
      readyAtMs: 0,
      error: undefined,
      turn: 0,
    }));
  }

  /** Whom to ask, and how long to wait before; undefined when all are given up. Time as of `Clock.monotonic`. */
  next(nowMs: number): { readonly source: FetchSource; readonly waitMs: number } | undefined {
    const left = this.#records.filter((record) => !record.out);
    const ready = left.filter((record) => record.turn === 0 || record.readyAtMs <= nowMs);
    const first = ready.sort((a, b) => a.turn - b.turn || a.place - b.place)[0];
    if (first) return { source: first.source, waitMs: 0 };
    const soonest = left.sort((a, b) => a.readyAtMs - b.readyAtMs)[0];
    return soonest && { source: soonest.source, waitMs: soonest.readyAtMs - nowMs };
  }

  /** Whether there is anybody else who is not given up. */
  hasOther(source: FetchSource): boolean {
    return this.#records.some((record) => record.source !== source && !record.out);
  }

  /** `fate`: `useful` when it brought bytes before it failed, `out` when it need not be asked again. */
  failed(source: FetchSource, error: Error, fate: 'useful' | 'useless' | 'out', nowMs: number): void {
    const record = this.#records.find((each) => each.source === source);
    if (!record) return;
    record.error = error;
    record.turn = ++this.#turns;
    record.failures = fate === 'useful' ? 0 : record.failures + 1;
    record.out ||= fate === 'out' || record.failures >= this.#init.maxFailures;
    const delayMs = this.#init.retryDelayMs * 2 ** Math.max(0, record.failures - 1);
    record.readyAtMs = nowMs + Math.min(MAX_DELAY_MS, delayMs);
  }

  /** The last failure of each source that has failed, in the order in which they did. */
  failures(): SourceFailure[] {
    return this.#records
      .filter((record) => record.error !== undefined)
      .sort((a, b) => a.turn - b.turn)
      .flatMap(({ source, error }) => (error === undefined ? [] : [{ jid: source.jid, error }]));
  }
}

/** Conditions of a moment: a server or node that starts again, one that is busy. */
const PASSING_CONDITIONS: readonly StanzaErrorCondition[] = [
  'internal-server-error',
  'recipient-unavailable',
  'remote-server-not-found',
  'remote-server-timeout',
  'resource-constraint',
  'service-unavailable',
  'unexpected-request',
];

/** Reasons of XEP-0166 §7.4 that say the same thing another time too. */
const LASTING_REASONS: readonly string[] = [
  'decline',
  'incompatible-parameters',
  'security-error',
  'unsupported-applications',
  'unsupported-transports',
];

/** Whether a source that failed like this would fail again. */
export function isLasting(error: unknown): boolean {
  if (error instanceof FileNotAvailableError || error instanceof ParseError) return true;
  if (error instanceof StanzaError) return !PASSING_CONDITIONS.includes(error.condition);
  if (error instanceof SessionEndedError) {
    return error.condition !== undefined || LASTING_REASONS.includes(error.reason);
  }
  return false;
}

/**
 * When to connect, to try again, to ask whether the server is still there, and to give up.
 * Pure: `supervised-connection.ts` performs the effects.
 */
import type { ShoalError } from '../errors.js';
import { defineMachine, type Machine, rowsOf } from '../machine.js';

/** Why a stream, or the attempt at one, ended. */
export type Loss =
  /** Trying again changes nothing, unless it is `passing`. */
  | {
      readonly type: 'refused';
      readonly error: ShoalError;
      /** Whom the server has let in before it may let in again: too much was sent, a certificate is being renewed. */
      readonly passing?: true;
    }
  /** Somebody else is connected with our address: perhaps our own stream of a moment ago. */
  | { readonly type: 'conflict'; readonly error: ShoalError }
  /** Nobody there, the line broke, the server goes down. */
  | {
      readonly type: 'broken';
      readonly error: ShoalError;
      /** The line broke without a word of either end: a session on it may be resumed. */
      readonly cut?: true;
    };

/** How often we failed in a row; forgotten once a stream has been stable. */
interface Tries {
  readonly failures: number;
  readonly conflicts: number;
  readonly everOnline: boolean;
  /** Our last stream broke without the server's doing: it may take that stream for a living one and refuse ours. */
  readonly mayLinger: boolean;
  /** The last session waits to be resumed (XEP-0198); whoever is above is still online. */
  readonly suspended: boolean;
}

export type ConnectionState =
  | { readonly type: 'new' }
  | ({ readonly type: 'connecting' } & Tries)
  | ({ readonly type: 'online' } & Tries)
  /** A ping is on its way. */
  | ({ readonly type: 'probing' } & Tries)
  | ({ readonly type: 'waiting' } & Tries)
  | { readonly type: 'closing' }
  | { readonly type: 'stopped' }
  | { readonly type: 'failed' };

export const ConnectionTimer = ['connect', 'retry', 'stable', 'ping', 'pong'] as const;
export type ConnectionTimer = (typeof ConnectionTimer)[number];

export type ConnectionEvent =
  | { readonly type: 'start' }
  /** The stream is authenticated, and has a new session or that of before. */
  | { readonly type: 'opened'; readonly resumed: boolean }
  /** The stream has ended; `random` is from [0, 1), for the jitter. */
  | { readonly type: 'lost'; readonly loss: Loss; readonly random: number; readonly resumable: boolean }
  /** The session can't be resumed any more. */
  | { readonly type: 'expired' }
  /** Something came from the server. */
  | { readonly type: 'alive' }
  | {
      readonly type: 'connect-timeout';
      readonly error: ShoalError;
      readonly random: number;
      readonly resumable: boolean;
    }
  | { readonly type: 'retry' }
  | { readonly type: 'stable' }
  | { readonly type: 'ping-due' }
  /** The server was asked for a sign of life beside our pings. */
  | { readonly type: 'asked' }
  | {
      readonly type: 'pong-timeout';
      readonly error: ShoalError;
      readonly random: number;
      readonly resumable: boolean;
    }
  | { readonly type: 'stop' }
  | { readonly type: 'closed' };

export type ConnectionEffect =
  | { readonly type: 'open-stream' }
  /** Ends the stream at once. Nothing of it is reported any more. */
  | { readonly type: 'drop-stream' }
  /** Ends the stream politely; `closed` follows. */
  | { readonly type: 'close-stream' }
  | { readonly type: 'ping' }
  | { readonly type: 'set-timer'; readonly timer: ConnectionTimer; readonly delayMs: number }
  | { readonly type: 'clear-timers' }
  | { readonly type: 'clear-timer'; readonly timer: ConnectionTimer }
  | { readonly type: 'report-online' }
  | { readonly type: 'report-resumed' }
  /** The stream is gone, the session not yet. */
  | { readonly type: 'report-interrupted' }
  | { readonly type: 'report-offline' }
  | { readonly type: 'report-failed'; readonly error: ShoalError };

export interface ConnectionTimes {
  /** From the first byte to an authenticated stream. */
  readonly connectTimeoutMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  /** How long a stream lasts before earlier failures are forgotten. */
  readonly stableMs: number;
  /** XEP-0199: how often the server is asked whether it is there, and how long it may take. */
  readonly pingIntervalMs: number;
  readonly pongTimeoutMs: number;
  /** Conflicts in a row before it is another program that has our address. */
  readonly maxConflicts: number;
  /** The same, after a stream of ours that broke: until the server's TCP has noticed it too. */
  readonly maxLingeringConflicts: number;
  /** Failures before the first success after which it gives up. Undefined: never. */
  readonly maxInitialFailures: number | undefined;
}

export const DEFAULT_CONNECTION_TIMES: ConnectionTimes = {
  connectTimeoutMs: 30_000,
  minBackoffMs: 1000,
  maxBackoffMs: 60_000,
  stableMs: 30_000,
  pingIntervalMs: 60_000, // well inside the time after which NAT forgets a connection
  pongTimeoutMs: 20_000,
  maxConflicts: 5, // with the back-off about half a minute
  maxLingeringConflicts: 60, // about three quarters of an hour; Linux gives up on a dead peer after a quarter
  maxInitialFailures: undefined,
};

/** The n-th wait, from 1: it doubles up to the greatest, and its upper half is left to chance. */
export function backoffMs(
  failures: number,
  random: number,
  { minBackoffMs, maxBackoffMs }: Pick<ConnectionTimes, 'minBackoffMs' | 'maxBackoffMs'>,
): number {
  const most = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(failures, 30));
  return Math.max(minBackoffMs, most * (0.5 + 0.5 * random));
}

type Next = { state: ConnectionState; effects?: readonly ConnectionEffect[] };

export function connectionMachine(
  times: ConnectionTimes,
): Machine<ConnectionState, ConnectionEvent, ConnectionEffect> {
  const row = rowsOf<ConnectionState, ConnectionEvent, ConnectionEffect>();

  const connect = (tries: Tries): Next => ({
    state: { ...triesOf(tries), type: 'connecting' },
    effects: [
      { type: 'open-stream' },
      { type: 'set-timer', timer: 'connect', delayMs: times.connectTimeoutMs },
    ],
  });

  const lost = (
    tries: Tries,
    { loss, random, resumable }: { loss: Loss; random: number; resumable: boolean },
    wasOnline: boolean,
    first: readonly ConnectionEffect[] = [],
  ): Next => {
    const told = wasOnline || tries.suspended;
    const failures = tries.failures + 1;
    const conflicts = tries.conflicts + (loss.type === 'conflict' ? 1 : 0);
    const hopeless =
      (loss.type === 'refused' && !(loss.passing && tries.everOnline)) ||
      conflicts > (tries.mayLinger ? times.maxLingeringConflicts : times.maxConflicts) ||
      (!tries.everOnline && times.maxInitialFailures !== undefined && failures >= times.maxInitialFailures);
    if (hopeless) {
      return {
        state: { type: 'failed' },
        effects: [
          { type: 'clear-timers' },
          ...first,
          ...(told ? [{ type: 'report-offline' } as const] : []),
          { type: 'report-failed', error: loss.error },
        ],
      };
    }
    return {
      state: { ...triesOf(tries), type: 'waiting', failures, conflicts, suspended: told && resumable },
      effects: [
        { type: 'clear-timers' },
        ...first,
        ...(told && !resumable ? [{ type: 'report-offline' } as const] : []),
        ...(wasOnline && resumable ? [{ type: 'report-interrupted' } as const] : []),
        { type: 'set-timer', timer: 'retry', delayMs: backoffMs(failures, random, times) },
      ],
    };
  };

  const live = ['online', 'probing'] as const;
  return defineMachine('connection', [
    ...row('new', 'start', 'local', () =>
      connect({ failures: 0, conflicts: 0, everOnline: false, mayLinger: false, suspended: false }),
    ),
    ...row('connecting', 'opened', 'XEP-0114 §3; RFC 6120 §7', (state, { resumed }) => ({
      state: { ...triesOf(state), type: 'online', everOnline: true, mayLinger: false, suspended: false },
      effects: [
        { type: 'clear-timers' },
        { type: 'set-timer', timer: 'stable', delayMs: times.stableMs },
        { type: 'set-timer', timer: 'ping', delayMs: times.pingIntervalMs },
        // Before a new session those above hear that the one of before has ended.
        ...(state.suspended && !resumed ? [{ type: 'report-offline' } as const] : []),
        { type: resumed ? 'report-resumed' : 'report-online' },
      ],
    })),
    ...row('connecting', 'lost', 'RFC 6120 §3.3', (state, event) => lost(state, event, false)),
    ...row('connecting', 'connect-timeout', 'local', (state, { error, random, resumable }) =>
      lost(state, { loss: { type: 'broken', error }, random, resumable }, false, [{ type: 'drop-stream' }]),
    ),
    ...row(['connecting', 'waiting'], 'expired', 'XEP-0198 §4', (state) => ({
      state: { ...state, suspended: false },
      effects: state.suspended ? [{ type: 'report-offline' }] : [],
    })),
    ...row('connecting', 'alive', 'local', (state) => ({ state })),
    ...row('waiting', 'retry', 'RFC 6120 §3.3', connect),
    ...row(live, 'stable', 'RFC 6120 §3.3', (state) => ({
      state: { ...state, failures: 0, conflicts: 0 },
    })),
    ...row('online', 'alive', 'local', (state) => ({ state })),
    ...row('online', 'ping-due', 'XEP-0199 §4.2', (state) => ({
      state: { ...triesOf(state), type: 'probing' },
      effects: [{ type: 'set-timer', timer: 'pong', delayMs: times.pongTimeoutMs }, { type: 'ping' }],
    })),
    ...row('online', 'asked', 'XEP-0198 §4', (state) => ({
      state: { ...triesOf(state), type: 'probing' },
      effects: [{ type: 'set-timer', timer: 'pong', delayMs: times.pongTimeoutMs }],
    })),
    ...row('probing', 'asked', 'XEP-0198 §4', (state) => ({ state })),
    ...row('probing', 'ping-due', 'local', (state) => ({ state })), // a sign of life is waited for already
    ...row('probing', 'alive', 'XEP-0199 §4.2', (state) => ({
      state: { ...triesOf(state), type: 'online' },
      effects: [
        { type: 'clear-timer', timer: 'pong' },
        { type: 'set-timer', timer: 'ping', delayMs: times.pingIntervalMs },
      ],
    })),
    ...row('probing', 'pong-timeout', 'RFC 6120 §4.6.1', (state, { error, random, resumable }) =>
      lost({ ...state, mayLinger: true }, { loss: { type: 'broken', error }, random, resumable }, true, [
        { type: 'drop-stream' },
      ]),
    ),
    ...row(live, 'lost', 'RFC 6120 §3.3', (state, event) =>
      lost({ ...state, mayLinger: event.loss.type === 'broken' }, event, true),
    ),
    ...row(live, 'stop', 'RFC 6120 §4.4', () => ({
      state: { type: 'closing' },
      effects: [{ type: 'clear-timers' }, { type: 'close-stream' }, { type: 'report-offline' }],
    })),
    ...row('connecting', 'stop', 'local', ({ suspended }) => ({
      state: { type: 'stopped' },
      effects: [
        { type: 'clear-timers' },
        { type: 'drop-stream' },
        ...(suspended ? [{ type: 'report-offline' } as const] : []),
      ],
    })),
    ...row('waiting', 'stop', 'local', ({ suspended }) => ({
      state: { type: 'stopped' },
      effects: [{ type: 'clear-timers' }, ...(suspended ? [{ type: 'report-offline' } as const] : [])],
    })),
    ...row(['new', 'failed'], 'stop', 'local', () => ({
      state: { type: 'stopped' },
      effects: [{ type: 'clear-timers' }],
    })),
    ...row('closing', 'closed', 'RFC 6120 §4.4', () => ({ state: { type: 'stopped' } })),
    ...row('closing', 'alive', 'RFC 6120 §4.4', (state) => ({ state })),
    ...row('closing', 'lost', 'local', (state) => ({ state })), // `closed` follows in any case
    ...row(['closing', 'stopped'], 'stop', 'local', (state) => ({ state })),
  ]);
}

function triesOf({ failures, conflicts, everOnline, mayLinger, suspended }: Tries): Tries {
  return { failures, conflicts, everOnline, mayLinger, suspended };
}

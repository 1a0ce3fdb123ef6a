/**
 * XEP-0198 as the client of a server sees it: what is counted, when an acknowledgement is asked
 * for, and what becomes of a session whose stream broke. Pure, and without the stanzas themselves:
 * `stream-management.ts` keeps them in a queue as long as `sent − acked` says.
 */
import { defineMachine, type Machine, rowsOf } from '../machine.js';
import { COUNT_MODULUS } from '../stanza/xep0198-stream-management.js';

/** All modulo 2³² (§4). */
interface Counts {
  /** Stanzas of ours, and those of them that the server has handled. */
  readonly sent: number;
  readonly acked: number;
  /** Stanzas of the server's that we have handled. */
  readonly handled: number;
}

export interface Resumption {
  readonly id: string;
  /** How long the session may wait for another stream. */
  readonly maxMs: number;
  /** How often it was resumed since anything last came of it. */
  readonly fruitless: number;
}

export type ManagementState =
  /** There is no stream, or one that is not managed. */
  | { readonly type: 'off' }
  /** The server has been asked to manage the stream; nothing else is sent before its answer. */
  | { readonly type: 'enabling' }
  | ({
      readonly type: 'active';
      /** Undefined where the server only acknowledges. */
      readonly resumption: Resumption | undefined;
      /** `idle`: all is acknowledged. `timed`: the timer will ask. `asked`: an answer is on its way. */
      readonly asking: 'idle' | 'timed' | 'asked';
      /** Stanzas since it was last asked. */
      readonly unasked: number;
    } & Counts)
  /** The stream broke; another may resume the session. */
  | ({ readonly type: 'suspended'; readonly resumption: Resumption } & Counts)
  | ({
      readonly type: 'resuming';
      readonly resumption: Resumption;
      /** The time to wait is over: this attempt is the last. */
      readonly isLast: boolean;
    } & Counts)
  /**
   * Resumed, and asked whether what we say arrives; nothing is sent again before the answer.
   * COMPAT: Prosody 0.12.3 hands what comes over the new connection to the parser of the old, where half a
   * stanza may wait for its end. Then it takes in nothing more, as a part of that stanza.
   */
  | ({ readonly type: 'verifying'; readonly resumption: Resumption } & Counts);

export const ManagementTimer = ['ask', 'expire', 'verify'] as const;
export type ManagementTimer = (typeof ManagementTimer)[number];

export type ManagementEvent =
  /** The server offers to bind a resource. */
  | { readonly type: 'login'; readonly offered: boolean }
  | { readonly type: 'bound'; readonly offered: boolean }
  | {
      readonly type: 'enabled';
      readonly resume: boolean;
      readonly id: string | undefined;
      readonly maxS: number | undefined;
    }
  | { readonly type: 'resumed'; readonly previousId: string; readonly handled: number }
  | { readonly type: 'failed'; readonly handled: number | undefined }
  /** A stanza of ours is to go out; there is room for it. */
  | { readonly type: 'send' }
  /** There is no room for a stanza of ours. */
  | { readonly type: 'overflow' }
  /** A stanza of the server's was handled. */
  | { readonly type: 'received' }
  | { readonly type: 'request' }
  | { readonly type: 'ack'; readonly handled: number }
  | { readonly type: 'ask-due' }
  /** Somebody wants to know whether the server is there. */
  | { readonly type: 'probe' }
  /** The stream is over. `cut`: by a fault of the line, not by word of either end. */
  | { readonly type: 'lost'; readonly cut: boolean }
  | { readonly type: 'expired' }
  /** A session that was resumed shows no sign of it. */
  | { readonly type: 'unverified' }
  /** We end the session. */
  | { readonly type: 'close' };

export type ManagementEffect =
  | { readonly type: 'send-enable' }
  | { readonly type: 'send-resume'; readonly previousId: string; readonly handled: number }
  | { readonly type: 'send-request' }
  | { readonly type: 'send-ack'; readonly handled: number }
  /** Lets the login go on to bind a resource. */
  | { readonly type: 'bind' }
  /** Puts the stanza into the queue. */
  | { readonly type: 'keep' }
  | { readonly type: 'write' }
  /** So many stanzas leave the queue: the server has handled them. */
  | { readonly type: 'forget'; readonly count: number }
  | { readonly type: 'resend' }
  /** Empties the queue, keeping aside what may be sent again in a new session. */
  | { readonly type: 'salvage' }
  /** Empties the queue. */
  | { readonly type: 'discard' }
  /** The stream is ready, with a new session or that of before. */
  | { readonly type: 'report-ready'; readonly resumed: boolean }
  | { readonly type: 'report-expired' }
  /** Ends the stream: the server does not keep to the protocol. */
  | { readonly type: 'fail'; readonly why: string; readonly tooHigh?: Counts & { readonly claimed: number } }
  | { readonly type: 'set-timer'; readonly timer: ManagementTimer; readonly delayMs: number }
  | { readonly type: 'clear-timer'; readonly timer: ManagementTimer };

export interface ManagementTimes {
  /** Acknowledgement is asked for after so many stanzas, or so long after the first of fewer. */
  readonly askAfterStanzas: number;
  readonly askAfterMs: number;
  /** How long a session waits to be resumed, where the server would wait longer. */
  readonly maxSuspendedMs: number;
  /** How long a server that resumed a session may take to answer in it. */
  readonly verifyTimeoutMs: number;
  /** Resumptions in a row of which nothing comes. */
  readonly maxFruitless: number;
}

export const DEFAULT_MANAGEMENT_TIMES: ManagementTimes = {
  askAfterStanzas: 32, // one <r/> and <a/> in 32 stanzas are not felt, and no more need to be kept
  askAfterMs: 1000,
  maxSuspendedMs: 300_000, // as long as ejabberd waits, and half of what Prosody does
  verifyTimeoutMs: 5000, // it has just answered over the same line
  maxFruitless: 3, // then it is what we send again that breaks the line
};

export function unackedOf({ sent, acked }: Pick<Counts, 'sent' | 'acked'>): number {
  return (sent - acked + COUNT_MODULUS) % COUNT_MODULUS;
}

const next = (count: number): number => (count + 1) % COUNT_MODULUS;

type Next = { state: ManagementState; effects?: readonly ManagementEffect[] };
type Active = Extract<ManagementState, { type: 'active' }>;

const OFF: ManagementState = { type: 'off' };
const READY: ManagementEffect = { type: 'report-ready', resumed: false };
const STOP_TIMERS: readonly ManagementEffect[] = [
  { type: 'clear-timer', timer: 'ask' },
  { type: 'clear-timer', timer: 'expire' },
  { type: 'clear-timer', timer: 'verify' },
];

export function managementMachine(
  times: ManagementTimes,
): Machine<ManagementState, ManagementEvent, ManagementEffect> {
  const row = rowsOf<ManagementState, ManagementEvent, ManagementEffect>();
  const SET_ASK: ManagementEffect = { type: 'set-timer', timer: 'ask', delayMs: times.askAfterMs };
  const CLEAR_ASK: ManagementEffect = { type: 'clear-timer', timer: 'ask' };

  const ask = (state: Active): { state: Active; effects: ManagementEffect[] } => ({
    state: { ...state, asking: 'asked', unasked: 0 },
    effects: [CLEAR_ASK, { type: 'send-request' }],
  });

  /** What the server says that it has handled, or what is wrong with that. */
  const acknowledge = (counts: Counts, handled: number): { count: number } | { wrong: Next } => {
    const count = (handled - counts.acked + COUNT_MODULUS) % COUNT_MODULUS;
    if (count <= unackedOf(counts)) return { count };
    const why = 'the server acknowledges more than we sent';
    return {
      wrong: {
        state: OFF,
        effects: [
          ...STOP_TIMERS,
          { type: 'salvage' },
          { type: 'fail', why, tooHigh: { ...countsOf(counts), claimed: handled } },
        ],
      },
    };
  };

  return defineMachine('stream-management', [
    // Logging in
    ...row('off', 'login', 'XEP-0198 §3', (state) => ({ state, effects: [{ type: 'bind' }] })),
    ...row('suspended', 'login', 'XEP-0198 §5', (state, { offered }) =>
      offered
        ? {
            state: { ...state, type: 'resuming', isLast: false },
            effects: [{ type: 'send-resume', previousId: state.resumption.id, handled: state.handled }],
          }
        : {
            state: OFF,
            effects: [...STOP_TIMERS, { type: 'salvage' }, { type: 'report-expired' }, { type: 'bind' }],
          },
    ),
    ...row('off', 'bound', 'XEP-0198 §3', (state, { offered }) =>
      offered
        ? { state: { type: 'enabling' }, effects: [{ type: 'send-enable' }] }
        : { state, effects: [READY] },
    ),
    ...row('enabling', 'enabled', 'XEP-0198 §3, §4', (_state, { resume, id, maxS }) => {
      const maxMs = Math.min(times.maxSuspendedMs, (maxS ?? Number.POSITIVE_INFINITY) * 1000);
      return {
        state: {
          type: 'active',
          sent: 0,
          acked: 0,
          handled: 0,
          resumption: resume && id !== undefined ? { id, maxMs, fruitless: 0 } : undefined,
          asking: 'idle',
          unasked: 0,
        },
        effects: [READY],
      };
    }),
    ...row('enabling', 'failed', 'XEP-0198 §6', () => ({ state: OFF, effects: [READY] })),

    // Sending
    ...row('off', 'send', 'local', (state) => ({ state, effects: [{ type: 'write' }] })),
    ...row('active', 'send', 'XEP-0198 §4', (state) => {
      const sent: Active = { ...state, sent: next(state.sent), unasked: state.unasked + 1 };
      const out: ManagementEffect[] = [{ type: 'keep' }, { type: 'write' }];
      if (state.asking === 'asked') return { state: sent, effects: out };
      if (sent.unasked >= times.askAfterStanzas) {
        const asked = ask(sent);
        return { state: asked.state, effects: [...out, ...asked.effects] };
      }
      if (state.asking === 'timed') return { state: sent, effects: out };
      return { state: { ...sent, asking: 'timed' }, effects: [...out, SET_ASK] };
    }),
    ...row(['suspended', 'resuming', 'verifying'], 'send', 'XEP-0198 §5', (state) => ({
      state: { ...state, sent: next(state.sent) },
      effects: [{ type: 'keep' }],
    })),
    ...row('active', 'overflow', 'local', () => ({
      state: OFF,
      effects: [
        ...STOP_TIMERS,
        { type: 'discard' },
        { type: 'fail', why: 'the server does not acknowledge what we send' },
      ],
    })),

    // Acknowledging
    ...row(['active', 'verifying'], 'received', 'XEP-0198 §4', (state) => ({
      state: { ...withFruit(state), handled: next(state.handled) },
    })),
    ...row('off', 'received', 'local', (state) => ({ state })),
    ...row(['active', 'verifying'], 'request', 'XEP-0198 §4', (state) => ({
      state,
      effects: [{ type: 'send-ack', handled: state.handled }],
    })),
    ...row('active', 'ack', 'XEP-0198 §4', (state, { handled }) => {
      const acked = acknowledge(state, handled);
      if ('wrong' in acked) return acked.wrong;
      const known: Active = { ...(acked.count > 0 ? withFruit(state) : state), acked: handled };
      const forget: ManagementEffect = { type: 'forget', count: acked.count };
      if (unackedOf(known) === 0) {
        return { state: { ...known, asking: 'idle', unasked: 0 }, effects: [forget, CLEAR_ASK] };
      }
      if (state.asking === 'timed') return { state: known, effects: [forget] };
      if (known.unasked >= times.askAfterStanzas) {
        const asked = ask(known);
        return { state: asked.state, effects: [forget, ...asked.effects] };
      }
      return { state: { ...known, asking: 'timed' }, effects: [forget, SET_ASK] };
    }),
    ...row('active', 'ask-due', 'XEP-0198 §4', ask),
    ...row('active', 'probe', 'XEP-0198 §4', ask),

    // Losing the stream
    ...row(['active', 'verifying'], 'lost', 'XEP-0198 §5', (state, { cut }) =>
      cut && mayResume(state, times)
        ? {
            state: { ...countsOf(state), type: 'suspended', resumption: state.resumption },
            effects: [
              ...STOP_TIMERS,
              { type: 'set-timer', timer: 'expire', delayMs: state.resumption.maxMs },
            ],
          }
        : { state: OFF, effects: [...STOP_TIMERS, { type: 'salvage' }] },
    ),
    ...row('enabling', 'lost', 'XEP-0198 §3', () => ({ state: OFF })),
    // An attempt that did not get as far as to speak of the session changes nothing about it.
    ...row('suspended', 'lost', 'XEP-0198 §5', (state) => ({ state })),
    ...row('resuming', 'lost', 'XEP-0198 §5', ({ isLast, ...state }, { cut }) =>
      cut && !isLast
        ? { state: { ...state, type: 'suspended' } }
        : { state: OFF, effects: [...STOP_TIMERS, { type: 'salvage' }] },
    ),
    ...row('off', 'lost', 'local', (state) => ({ state })),
    ...row('suspended', 'expired', 'XEP-0198 §4', () => ({
      state: OFF,
      effects: [{ type: 'salvage' }, { type: 'report-expired' }],
    })),
    ...row('resuming', 'expired', 'local', (state) => ({ state: { ...state, isLast: true } })),

    // Resuming
    ...row('resuming', 'resumed', 'XEP-0198 §5', (state, { previousId, handled }) => {
      if (previousId !== state.resumption.id) {
        return {
          state: OFF,
          effects: [
            ...STOP_TIMERS,
            { type: 'salvage' },
            { type: 'fail', why: 'the server resumes another session than ours' },
          ],
        };
      }
      const acked = acknowledge(state, handled);
      if ('wrong' in acked) return acked.wrong;
      const { resumption } = state;
      return {
        state: {
          ...countsOf(state),
          type: 'verifying',
          acked: handled,
          resumption: { ...resumption, fruitless: resumption.fruitless + 1 },
        },
        effects: [
          { type: 'clear-timer', timer: 'expire' },
          { type: 'forget', count: acked.count },
          { type: 'report-ready', resumed: true },
          { type: 'send-request' },
          { type: 'set-timer', timer: 'verify', delayMs: times.verifyTimeoutMs },
        ],
      };
    }),
    ...row('verifying', 'ack', 'XEP-0198 §5', (state, { handled }) => {
      const acked = acknowledge(state, handled);
      if ('wrong' in acked) return acked.wrong;
      const active: Active = { ...state, type: 'active', acked: handled, asking: 'idle', unasked: 0 };
      const first: ManagementEffect[] = [
        { type: 'clear-timer', timer: 'verify' },
        { type: 'forget', count: acked.count },
        { type: 'resend' },
      ];
      if (unackedOf(active) === 0) return { state: active, effects: first };
      const asked = ask(active);
      return { state: asked.state, effects: [...first, ...asked.effects] };
    }),
    ...row('verifying', 'unverified', 'local', () => ({
      state: OFF,
      effects: [
        ...STOP_TIMERS,
        { type: 'salvage' },
        { type: 'fail', why: 'the server does not go on with the session that it resumed' },
      ],
    })),
    ...row('verifying', 'probe', 'local', (state) => ({ state })), // it has been asked
    ...row('resuming', 'failed', 'XEP-0198 §5', (state, { handled }) => {
      const acked = handled === undefined ? { count: 0 } : acknowledge(state, handled);
      return {
        state: OFF,
        effects: [
          ...STOP_TIMERS,
          { type: 'forget', count: 'wrong' in acked ? 0 : acked.count },
          { type: 'salvage' },
          // Before there is an address nothing may be sent (RFC 6120 §7.1), so nobody must think that we are online.
          { type: 'report-expired' },
          { type: 'bind' },
        ],
      };
    }),

    // Ending it ourselves
    ...row(['active', 'verifying'], 'close', 'XEP-0198 §4', ({ handled }) => ({
      state: OFF,
      effects: [...STOP_TIMERS, { type: 'send-ack', handled }, { type: 'discard' }],
    })),
    ...row(['off', 'enabling', 'suspended', 'resuming'], 'close', 'XEP-0198 §7', () => ({
      state: OFF,
      effects: [...STOP_TIMERS, { type: 'discard' }],
    })),
  ]);
}

/** True when the session would outlive a break of its stream. */
export function mayResume<S extends { readonly resumption: Resumption | undefined }>(
  state: S,
  { maxFruitless }: Pick<ManagementTimes, 'maxFruitless'>,
): state is S & { readonly resumption: Resumption } {
  return state.resumption !== undefined && state.resumption.fruitless < maxFruitless;
}

function withFruit<S extends { readonly resumption: Resumption | undefined }>(state: S): S {
  const { resumption } = state;
  if (resumption === undefined || resumption.fruitless === 0) return state;
  return { ...state, resumption: { ...resumption, fruitless: 0 } };
}

function countsOf({ sent, acked, handled }: Counts): Counts {
  return { sent, acked, handled };
}

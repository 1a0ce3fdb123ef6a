/**
 * The S5B negotiation (XEP-0260 §2.3, §2.4) of one content: both sides try the other's
 * candidates, each says how that went, and from the two reports both know the nominated candidate.
 * Searching itself is `candidate-search.ts`; the driver is `s5b-negotiation.ts`.
 */
import { defineMachine, rowsOf } from '../machine.js';
import type { S5bCandidate } from '../stanza/xep0260-jingle-s5b.js';

/** How one side's search ended: with a connection to a candidate of the other side, or with none. */
export type Report = { readonly type: 'used'; readonly candidate: S5bCandidate } | { readonly type: 'error' };

export type S5bRole = 'initiator' | 'responder';

export type S5bState =
  /** We search and the peer does; nobody has reported. */
  | { readonly type: 'searching'; readonly role: S5bRole }
  /** The peer has reported, we still search. */
  | { readonly type: 'searching-alone'; readonly role: S5bRole; readonly theirs: Report }
  /** We have reported, the peer has not. */
  | { readonly type: 'reported'; readonly role: S5bRole; readonly ours: Report }
  /** The peer connected to us directly; its connection is about to be picked up. */
  | { readonly type: 'awaiting-inbound'; readonly candidate: S5bCandidate }
  /** We are connected to the peer's proxy, which the peer activates. */
  | { readonly type: 'awaiting-activation'; readonly candidate: S5bCandidate }
  /** The peer is connected to our proxy; we connect and activate it. */
  | { readonly type: 'activating'; readonly candidate: S5bCandidate }
  | { readonly type: 'connected' }
  | { readonly type: 'failed' }
  | { readonly type: 'closed' };

export type S5bEvent =
  /**
   * Our search has ended, with a connection or without. `rival`: the highest priority of all that we have offered;
   * the peer can use nothing above it.
   */
  | { readonly type: 'reached'; readonly candidate: S5bCandidate; readonly rival: number }
  | { readonly type: 'unreachable' }
  /** What the peer says. The candidate of `peer-used` is one of ours. */
  | { readonly type: 'peer-used'; readonly candidate: S5bCandidate }
  | { readonly type: 'peer-error' }
  | { readonly type: 'activated' }
  | { readonly type: 'proxy-error' }
  /** Bytes come out of the connection that we made. */
  | { readonly type: 'bytes' }
  /** The peer's connection to us is there. */
  | { readonly type: 'inbound' }
  /** Bytes come out of it. */
  | { readonly type: 'inbound-bytes' }
  /** How connecting to our own proxy and activating it went. */
  | { readonly type: 'relay-ready' }
  | { readonly type: 'relay-failed' }
  /** Something that we had to tell the peer did not reach it, or the connection in use broke. */
  | { readonly type: 'lost' }
  | { readonly type: 'timeout' }
  | { readonly type: 'close' };

export type S5bEffect =
  | { readonly type: 'send-used'; readonly cid: string }
  | { readonly type: 'send-error' }
  | { readonly type: 'send-activated'; readonly cid: string }
  | { readonly type: 'send-proxy-error' }
  /** Only candidates above this priority are worth trying any more. */
  | { readonly type: 'narrow'; readonly above: number }
  | { readonly type: 'stop-search' }
  | { readonly type: 'take-inbound' }
  /** Bytes that come out of our connection are to be told of. */
  | { readonly type: 'await-bytes' }
  | { readonly type: 'await-activation' }
  | { readonly type: 'activate'; readonly candidate: S5bCandidate }
  /** The stream is the connection that we made, that the peer made, or that to our proxy. */
  | { readonly type: 'connect'; readonly by: 'outgoing' | 'inbound' | 'relay' }
  | { readonly type: 'fail'; readonly why: string };

type Next = { state: S5bState; effects: S5bEffect[] };

/** XEP-0260 §2.2: what the type makes of a priority, in units of the local preference. */
const KIND = 65_536;

const row = rowsOf<S5bState, S5bEvent, S5bEffect>();

/** What two reports nominate (§2.4), and whose choice it was. */
export function nominate(
  ours: Report,
  theirs: Report,
  role: S5bRole,
): { readonly by: 'us' | 'peer'; readonly candidate: S5bCandidate } | undefined {
  if (ours.type === 'error') {
    return theirs.type === 'error' ? undefined : { by: 'peer', candidate: theirs.candidate };
  }
  if (theirs.type === 'error') return { by: 'us', candidate: ours.candidate };
  return outdoes(ours.candidate, theirs.candidate.priority, role)
    ? { by: 'us', candidate: ours.candidate }
    : { by: 'peer', candidate: theirs.candidate };
}

/** §2.4: the higher priority, and of equal ones the choice of the initiator. */
function outdoes({ priority }: S5bCandidate, rival: number, role: S5bRole): boolean {
  return priority > rival || (priority === rival && role === 'initiator');
}

/** Giving up on what is no better than what the peer uses: whose own it is makes none better among those of one kind. */
function endOfKind({ priority }: S5bCandidate): number {
  return priority - (priority % KIND) + KIND - 1;
}

function decide(ours: Report, theirs: Report, role: S5bRole): Next {
  const nominated = nominate(ours, theirs, role);
  if (!nominated) return failed('neither side could connect');
  const { by, candidate } = nominated;
  if (candidate.type === 'proxy') {
    // §2.4: the party that offered the nominated proxy activates it.
    return by === 'us'
      ? { state: { type: 'awaiting-activation', candidate }, effects: [{ type: 'await-activation' }] }
      : { state: { type: 'activating', candidate }, effects: [{ type: 'activate', candidate }] };
  }
  return by === 'us'
    ? connected('outgoing')
    : { state: { type: 'awaiting-inbound', candidate }, effects: [{ type: 'take-inbound' }] };
}

function connected(by: 'outgoing' | 'inbound' | 'relay'): Next {
  return { state: { type: 'connected' }, effects: [{ type: 'connect', by }] };
}

function failed(why: string): Next {
  return { state: { type: 'failed' }, effects: [{ type: 'stop-search' }, { type: 'fail', why }] };
}

function after(effect: S5bEffect, next: Next): Next {
  return { state: next.state, effects: [effect, ...next.effects] };
}

const WAITING = [
  'searching',
  'searching-alone',
  'reported',
  'awaiting-inbound',
  'awaiting-activation',
  'activating',
] as const;

const LATE = [
  'reached',
  'unreachable',
  'peer-used',
  'peer-error',
  'activated',
  'proxy-error',
  'bytes',
  'inbound',
  'inbound-bytes',
  'relay-ready',
  'relay-failed',
  'lost',
  'timeout',
] as const;

export const s5bMachine = defineMachine<S5bState, S5bEvent, S5bEffect>('s5b', [
  // Our report.
  ...row('searching', 'reached', 'XEP-0260 §2.3', ({ role }, { candidate, rival }) => {
    const ours: Report = { type: 'used', candidate };
    return after(
      { type: 'send-used', cid: candidate.cid },
      // §2.4: whatever the peer reports now, this one is nominated.
      outdoes(candidate, rival, role)
        ? decide(ours, { type: 'error' }, role)
        : { state: { type: 'reported', role, ours }, effects: [{ type: 'await-bytes' }] },
    );
  }),
  ...row('searching-alone', 'reached', 'XEP-0260 §2.3', ({ role, theirs }, { candidate }) =>
    after({ type: 'send-used', cid: candidate.cid }, decide({ type: 'used', candidate }, theirs, role)),
  ),
  ...row('searching', 'unreachable', 'XEP-0260 §2.3', ({ role }) => ({
    state: { type: 'reported', role, ours: { type: 'error' } },
    effects: [{ type: 'send-error' }],
  })),
  ...row('searching-alone', 'unreachable', 'XEP-0260 §2.3', ({ role, theirs }) =>
    after({ type: 'send-error' }, decide({ type: 'error' }, theirs, role)),
  ),

  // The peer's report. It may come before its description, and before our search has begun.
  ...row('searching', 'peer-used', 'XEP-0260 §2.3', ({ role }, { candidate }) => ({
    state: { type: 'searching-alone', role, theirs: { type: 'used', candidate } },
    effects: [{ type: 'narrow', above: endOfKind(candidate) }],
  })),
  ...row('searching', 'peer-error', 'XEP-0260 §2.3', ({ role }) => ({
    state: { type: 'searching-alone', role, theirs: { type: 'error' } },
  })),
  ...row('reported', 'peer-used', 'XEP-0260 §2.4', ({ role, ours }, { candidate }) =>
    decide(ours, { type: 'used', candidate }, role),
  ),
  ...row('reported', 'peer-error', 'XEP-0260 §2.4', ({ role, ours }) =>
    decide(ours, { type: 'error' }, role),
  ),

  // Nominated without it. A peer that sends has nominated: it had our report.
  ...row('reported', 'bytes', 'XEP-0260 §2.4', (state) =>
    state.ours.type === 'used' ? connected('outgoing') : { state },
  ),
  // Nor are reports needed of one that sends through its own connection: what it says comes the long way, behind the bytes.
  ...row('searching', 'inbound-bytes', 'XEP-0260 §2.4', () =>
    after({ type: 'stop-search' }, after({ type: 'send-error' }, connected('inbound'))),
  ),
  ...row('searching-alone', 'inbound-bytes', 'XEP-0260 §2.4', (state) =>
    state.theirs.type === 'used'
      ? after({ type: 'stop-search' }, after({ type: 'send-error' }, connected('inbound')))
      : { state },
  ),
  ...row(['reported', 'awaiting-inbound'], 'inbound-bytes', 'XEP-0260 §2.4', () => connected('inbound')),
  ...row(['awaiting-activation', 'activating', 'connected'], 'inbound-bytes', 'local', (state) => ({
    state,
  })),
  // COMPAT: some peers never say <activated/>; a proxy passes nothing on before it is.
  ...row('awaiting-activation', 'bytes', 'local', () => connected('outgoing')),
  ...row(['awaiting-activation', 'connected'], 'peer-used', 'XEP-0260 §2.4', (state) => ({ state })),
  ...row(['awaiting-activation', 'connected'], 'peer-error', 'XEP-0260 §2.4', (state) => ({ state })),

  // The nominated candidate.
  ...row('awaiting-inbound', 'inbound', 'XEP-0260 §2.4', () => connected('inbound')),
  ...row('awaiting-activation', 'activated', 'XEP-0260 §2.4', () => connected('outgoing')),
  ...row(['awaiting-activation', 'activating'], 'proxy-error', 'XEP-0260 §2.4', () =>
    failed('the peer could not use the proxy'),
  ),
  ...row('activating', 'relay-ready', 'XEP-0260 §2.4', ({ candidate }) =>
    after({ type: 'send-activated', cid: candidate.cid }, connected('relay')),
  ),
  ...row('activating', 'relay-failed', 'XEP-0260 §2.4', () =>
    after({ type: 'send-proxy-error' }, failed('our proxy could not be used')),
  ),

  // The ends.
  ...row(['searching', 'searching-alone'], 'timeout', 'local', () =>
    after({ type: 'send-error' }, failed('the search took too long')),
  ),
  ...row('reported', 'timeout', 'local', () => failed('the peer did not say how its search ended')),
  ...row('awaiting-inbound', 'timeout', 'local', () => failed('the peer is not connected as it says')),
  ...row('awaiting-activation', 'timeout', 'local', () =>
    after({ type: 'send-proxy-error' }, failed('the peer did not activate its proxy')),
  ),
  ...row('activating', 'timeout', 'local', () =>
    after({ type: 'send-proxy-error' }, failed('our proxy took too long')),
  ),
  ...row(WAITING, 'lost', 'local', () => failed('the negotiation broke off')),
  ...row('connected', 'lost', 'local', (state) => ({ state })),
  // The first bytes through a proxy are often faster than the word that it is activated.
  ...row('connected', 'activated', 'XEP-0260 §2.4', (state) => ({ state })),
  ...row([...WAITING, 'failed', 'connected'], 'close', 'local', () => ({
    state: { type: 'closed' },
    effects: [{ type: 'stop-search' }],
  })),
  ...row('closed', 'close', 'local', (state) => ({ state })),
  // Given up already: what the peer still says about it changes nothing.
  ...LATE.flatMap((event) => row(['failed', 'closed'], event, 'local', (state) => ({ state }))),
]);

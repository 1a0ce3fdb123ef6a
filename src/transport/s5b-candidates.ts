/** Our own candidates: what we announce, and with which priority (XEP-0260 §2.2). */
import { randomBytes } from 'node:crypto';
import type { Jid } from '../stanza/jid.js';
import type { Streamhost } from '../stanza/xep0065-bytestreams.js';
import { candidatePriority, type S5bCandidate } from '../stanza/xep0260-jingle-s5b.js';
import type { ListenAddress } from './announced-hosts.js';

export interface OwnCandidatesInit {
  readonly self: Jid;
  /** Where the listener can be reached, best first. */
  readonly addresses: readonly ListenAddress[];
  readonly proxies: readonly Streamhost[];
  /** What the peer has offered: §2.2 forbids to offer the same host and port again. */
  readonly taken: readonly S5bCandidate[];
}

/**
 * Leaves room above and below. COMPAT: other than 2^15, from which Dino 0.4.2 counts down. Where both sides reach
 * each other with equal priorities, it takes the candidate that the initiator offered instead of the one that the
 * initiator chose (XEP-0260 §2.4), and each side would use a connection that the other has closed.
 */
const FIRST_LOCAL_PREFERENCE = 41_000;
const ID_BYTES = 8; // a peer must not guess what another session uses

export function randomId(): string {
  return randomBytes(ID_BYTES).toString('hex');
}

export function ownCandidates(init: OwnCandidatesInit): S5bCandidate[] {
  const first = firstPreference(init);
  const own = init.addresses.map(({ host, port, type }, index) => ({
    cid: randomId(),
    host,
    port,
    jid: init.self,
    type,
    priority: candidatePriority(type, first - index),
  }));
  const proxies = init.proxies.map(({ jid, host, port }, index) => ({
    cid: randomId(),
    host,
    port,
    jid,
    type: 'proxy' as const,
    priority: candidatePriority('proxy', FIRST_LOCAL_PREFERENCE - index),
  }));
  const taken = new Set(init.taken.map(addressOf));
  return [...own, ...proxies].filter((each) => !taken.has(addressOf(each)));
}

/**
 * Whoever answers stays below the direct candidates of the offer. It then knows when it has reached one of them that nothing
 * can be better (XEP-0260 §2.4), and need not wait for what the peer reaches.
 */
function firstPreference({ addresses, taken }: OwnCandidatesInit): number {
  const theirs = taken
    .filter(({ type }) => type === 'direct')
    .map(({ priority }) => priority - candidatePriority('direct', 0));
  const first = Math.min(FIRST_LOCAL_PREFERENCE, ...theirs.map((preference) => preference - 1));
  return first - addresses.length < 0 ? FIRST_LOCAL_PREFERENCE : first;
}

function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.toLowerCase()} ${port}`;
}

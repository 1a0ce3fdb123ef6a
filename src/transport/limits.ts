/** How long transports wait for what, and how much they take from a peer, where nothing else is configured. */
import type { IbbLimits } from './ibb-stream.js';
import type { S5bLimits } from './s5b-negotiation.js';

export const defaultS5bLimits: S5bLimits = {
  maxCandidates: 10, // a machine with several networks and two proxies
  staggerMs: 200, // XEP-0260 §4
  proxyStaggerMs: 500, // "a bit longer"
  attemptTimeoutMs: 5_000, // a firewall that says nothing; others wait for us meanwhile
  lateCandidatesMs: 1_000, // a round trip through two servers
  negotiationTimeoutMs: 25_000, // all attempts and the peer's; less than the session waits
};

export const defaultListenerLimits = {
  handshakeTimeoutMs: 10_000, // two round trips
  maxHandshakes: 128,
} as const;

export const defaultIbbLimits: IbbLimits & { readonly openTimeoutMs: number } = {
  window: 8, // measured: 4 KiB blocks gain half again over one at a time; more gains nothing
  ackTimeoutMs: 120_000, // a block may wait for the peer's disk, and for a server's rate limit
  slowAckMs: 2_000, // other stanzas of ours wait as long behind the blocks
  retryDelayMs: 500,
  lingerMs: 2_000,
  maxUnreadBytes: 1_048_576,
  openTimeoutMs: 25_000,
};

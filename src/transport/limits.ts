/** How long transports wait for what, and how much they take from a peer, where nothing else is configured. */

import type { ConnectBudgetInit } from './connect-budget.js';
import type { IbbLimits } from './ibb-stream.js';
import type { PortMapperThreadInit } from './port-mapper-thread.js';
import type { PortMappingLimits } from './port-mapping.js';
import type { ProxyFinderLimits } from './proxy-finder.js';
import type { S5bLimits } from './s5b-negotiation.js';

export const defaultS5bLimits: S5bLimits = {
  maxCandidates: 10, // a machine with several networks and two proxies
  staggerMs: 200, // XEP-0260 §4
  proxyStaggerMs: 500, // "a bit longer"
  attemptTimeoutMs: 5_000, // a firewall that says nothing; others wait for us meanwhile
  lateCandidatesMs: 1_000, // a round trip through two servers
  leadMs: 5, // what a busy machine takes between two stanzas; nobody notices it
  negotiationTimeoutMs: 25_000, // all attempts and the peer's; less than the session waits
};

export const defaultConnectBudget: ConnectBudgetInit = {
  failuresPerAddressPerMinute: 8, // sessions of one peer begin together
  failuresPerPeerPerMinute: 60, // several of those, with addresses that only its own network knows
  failuresPerMinute: 600,
  concurrentUnproven: 4,
};

export const defaultProxyLimits: ProxyFinderLimits = {
  maxServices: 32, // a server has some ten
  maxProxies: 3, // each costs the peer an attempt
  answerTimeoutMs: 10_000,
  waitMs: 1_500, // four round trips
  expiryMs: 3_600_000,
  retryMs: 300_000,
};

export const defaultMappingLimits: PortMappingLimits & PortMapperThreadInit = {
  lifetimeS: 3600, // the least that the library asks of UPnP
  renewMs: 600_000,
  retryMs: 60_000,
  unmapTimeoutMs: 2_000, // a node that stops has somebody waiting for it
  natPmpTimeoutMs: 4_000, // one hop; most of it is for the thread to start on a slow machine
  upnpTimeoutMs: 8_000, // a search gives devices up to 5 s
};

export const defaultListenerLimits = {
  handshakeTimeoutMs: 10_000, // two round trips
  maxHandshakes: 128,
} as const;

export const defaultIbbLimits: IbbLimits & { readonly openTimeoutMs: number } = {
  window: 8, // measured: 4 KiB blocks gain half again over one at a time; more gains nothing
  ackTimeoutMs: 120_000, // a block may wait for the peer's disk, and for a server's rate limit
  closeTimeoutMs: 10_000,
  slowAckMs: 2_000, // other stanzas of ours wait as long behind the blocks
  retryDelayMs: 500,
  lingerMs: 2_000,
  maxUnreadBytes: 1_048_576,
  openTimeoutMs: 25_000,
};

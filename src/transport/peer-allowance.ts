/** Which peers may have us connect to more than public addresses and ordinary ports. */
import { bareOf, domainOf, type Jid } from '../stanza/jid.js';
import type { PeerAllowance } from './address-policy.js';

export interface PeerAllowanceInit {
  /** Our own server: its accounts, and the domains below it, are its operator's to vouch for. */
  readonly ownServer: () => Jid;
  /** To private networks, for peers of our own server. */
  readonly connectToPrivate: boolean;
  /** To this machine, for the same: where the server runs on it too, they may be here as well. */
  readonly connectToLoopback: boolean;
  /** Accounts and domains that may have us connect anywhere. */
  readonly trusted: readonly Jid[];
}

const NOTHING: PeerAllowance = { private: false, loopback: false, lowPorts: false };
const EVERYTHING: PeerAllowance = { private: true, loopback: true, lowPorts: true };

/**
 * Top-level names below which nobody can register one (RFC 6761, RFC 6762; ICANN keeps `internal`). Below all
 * others are strangers: a component `files.com` shares nothing with whoever else is below `com`.
 */
const NOBODYS: ReadonlySet<string> = new Set([
  'localhost',
  'local',
  'internal',
  'test',
  'example',
  'invalid',
]);

export function peerAllowance(init: PeerAllowanceInit): (peer: Jid) => PeerAllowance {
  const trusted = new Set(init.trusted);
  return (peer) => {
    const domain = domainOf(peer);
    if (trusted.has(bareOf(peer)) || trusted.has(domain)) return EVERYTHING;
    const server = init.ownServer();
    const isBelow = domain.endsWith(`.${server}`) && (server.includes('.') || NOBODYS.has(server));
    if (domain !== server && !isBelow) return NOTHING;
    return { private: init.connectToPrivate, loopback: init.connectToLoopback, lowPorts: false };
  };
}

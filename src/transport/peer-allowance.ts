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

export function peerAllowance(init: PeerAllowanceInit): (peer: Jid) => PeerAllowance {
  const trusted = new Set(init.trusted);
  return (peer) => {
    const domain = domainOf(peer);
    if (trusted.has(bareOf(peer)) || trusted.has(domain)) return EVERYTHING;
    const server = init.ownServer();
    if (domain !== server && !domain.endsWith(`.${server}`)) return NOTHING;
    return { private: init.connectToPrivate, loopback: init.connectToLoopback, lowPorts: false };
  };
}

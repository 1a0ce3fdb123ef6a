/**
 * Where we connect to because a peer says so. A peer that chooses our connections could probe what
 * only we can reach, so each address is judged by what it is, after names are resolved.
 */
import { BlockList, isIP, SocketAddress } from 'node:net';
import type { Jid } from '../stanza/jid.js';

export interface ConnectPolicy {
  /** `host` is as the peer wrote it: an address or a name. A name says nothing yet: see `mayReach`. */
  mayConnect(peer: Jid, host: string, port: number): boolean;
  /** `address` is an IP address, of a candidate or that a candidate's name resolved to. */
  mayReach(peer: Jid, address: string): boolean;
}

export interface AddressPolicyInit {
  /** RFC 1918, RFC 4193, RFC 6598: the machines of our own network. */
  readonly allowPrivate: boolean;
  readonly allowLoopback: boolean;
  /** What more is allowed where a certain peer asks for it. */
  readonly allowance?: (peer: Jid) => PeerAllowance;
}

export interface PeerAllowance {
  readonly private: boolean;
  readonly loopback: boolean;
  /** The ports of well-known services. */
  readonly lowPorts: boolean;
}

/** Below it are the well-known services, which no streamhost needs to be one of. */
const FIRST_UNPRIVILEGED_PORT = 1024;

type AddressKind = 'loopback' | 'private' | 'unusable' | 'public';

function blockList(kind: AddressKind): { kind: AddressKind; list: BlockList } {
  return { kind, list: new BlockList() };
}

function addRanges(
  list: BlockList,
  family: 'ipv4' | 'ipv6',
  ranges: readonly (readonly [string, number])[],
): void {
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, family);
}

const unusable = blockList('unusable');
addRanges(unusable.list, 'ipv4', [
  ['0.0.0.0', 8], // this host, unspecified
  ['169.254.0.0', 16], // link-local; also where clouds keep their metadata
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved and broadcast
]);
addRanges(unusable.list, 'ipv6', [
  ['fe80::', 10], // link-local: means nothing without an interface, and the peer's isn't ours
  ['ff00::', 8], // multicast
  ['64:ff9b::', 96], // translated IPv4: would hide any of the above
  ['64:ff9b:1::', 48],
  ['::', 96], // IPv4 in a disguise that was given up
  ['2002::', 16],
]);
const loopback = blockList('loopback');
addRanges(loopback.list, 'ipv4', [['127.0.0.0', 8]]);
addRanges(loopback.list, 'ipv6', [['::1', 128]]);
const private_ = blockList('private');
addRanges(private_.list, 'ipv4', [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
]);
addRanges(private_.list, 'ipv6', [
  ['fc00::', 7],
  ['fec0::', 10], // given up, and in use
]);

/** What kind of address it is; `unusable` also when it is none. */
function kindOf(address: string): AddressKind {
  const family = isIP(address);
  // A zone (fe80::1%eth0) names an interface of the peer's machine.
  if (family === 0 || address.includes('%')) return 'unusable';
  // BlockList also finds an IPv4 address in its IPv6 disguise, ::ffff:127.0.0.1.
  const found = [loopback, unusable, private_].find(({ list }) =>
    list.check(address, family === 4 ? 'ipv4' : 'ipv6'),
  );
  return found?.kind ?? 'public';
}

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback(address: string): boolean {
  return kindOf(address) === 'loopback';
}

/** The usual policy: no well-known port, no multicast, link-local or unspecified address; the rest by configuration. */
export class AddressPolicy implements ConnectPolicy {
  readonly #init: AddressPolicyInit;

  constructor(init: AddressPolicyInit) {
    this.#init = init;
  }

  mayConnect(peer: Jid, host: string, port: number): boolean {
    if (port < FIRST_UNPRIVILEGED_PORT && this.#init.allowance?.(peer).lowPorts !== true) return false;
    return isAddress(host) ? this.mayReach(peer, host) : true;
  }

  mayReach(peer: Jid, address: string): boolean {
    const { allowPrivate, allowLoopback, allowance } = this.#init;
    switch (kindOf(address)) {
      case 'public':
        return true;
      case 'private':
        return allowPrivate || allowance?.(peer).private === true;
      case 'loopback':
        return allowLoopback || allowance?.(peer).loopback === true;
      case 'unusable':
        return false;
    }
  }
}

/** One way of writing for each address, whatever the peer chose; names in lower case. */
export function sameAddress(host: string): string {
  if (isIP(host) !== 6) return host.toLowerCase();
  const { address } = new SocketAddress({ address: host, family: 'ipv6' });
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1] ?? address;
}

function isAddress(host: string): boolean {
  return isIP(host) !== 0 || host.includes(':') || host.includes('%');
}

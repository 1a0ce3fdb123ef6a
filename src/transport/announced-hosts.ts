/** Which of the machine's addresses go into our direct candidates, best first. */
import { isLoopback } from './address-policy.js';

/** What `os.networkInterfaces` tells of an address. */
export interface InterfaceAddress {
  readonly address: string;
  readonly family: string;
  /** Loopback. */
  readonly internal: boolean;
}

export type Interfaces = Readonly<Record<string, readonly InterfaceAddress[] | undefined>>;

/** Where peers can connect to us. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** `assisted`: by way of a gateway that forwards it to us (XEP-0260 §2.2). */
  readonly type: 'direct' | 'assisted';
}

export interface AnnounceInit {
  /** Addresses or names under which peers reach the listener, such as that of a NAT router. Empty: the interfaces' own. */
  readonly hosts: readonly string[];
  /**
   * Announces 127.0.0.1 as well. For a node whose server is on loopback: its peers may be on
   * this machine too.
   */
  readonly loopback: boolean;
  /** The address that the listener is bound to, where it isn't all. */
  readonly bindHost?: string;
  /** The port that `hosts` forward to ours, where it is another. */
  readonly externalPort?: number;
}

const LOOPBACK_HOST = '127.0.0.1';
const EVERY_IPV4 = '0.0.0.0';
const EVERY_ADDRESS = '::';
/** Of each family: machines with containers have dozens, and a peer tries one after the other. */
const MAX_OF_FAMILY = 5;

/** IPv4 before IPv6, loopback last; loopback alone when the machine has no other address. */
export function announcedAddresses(
  init: AnnounceInit,
  port: number,
  interfaces: Interfaces,
): readonly ListenAddress[] {
  const addresses: ListenAddress[] = init.hosts.map((host) => ({
    host,
    port: init.externalPort ?? port,
    type: 'direct',
  }));
  if (addresses.length === 0) {
    const bound = boundHosts(init.bindHost, interfaces);
    addresses.push(...bound.map((host) => ({ host, port, type: 'direct' as const })));
  }
  if ((init.loopback || addresses.length === 0) && !addresses.some(({ host }) => isLoopback(host))) {
    if (reaches(init.bindHost, LOOPBACK_HOST)) {
      addresses.push({ host: LOOPBACK_HOST, port, type: 'direct' });
    }
  }
  return addresses;
}

/** True where a listener bound to `bindHost` hears connections to `host`. */
function reaches(bindHost: string | undefined, host: string): boolean {
  return bindHost === undefined || [EVERY_ADDRESS, EVERY_IPV4, host].includes(bindHost);
}

function boundHosts(bindHost: string | undefined, interfaces: Interfaces): string[] {
  if (bindHost === undefined || bindHost === EVERY_ADDRESS) return interfaceAddresses(interfaces);
  if (bindHost !== EVERY_IPV4) return [bindHost];
  return interfaceAddresses(interfaces).filter((address) => !address.includes(':'));
}

function interfaceAddresses(interfaces: Interfaces): string[] {
  const external = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    // Link-local addresses mean nothing on another machine.
    .filter((each) => !each.internal && !/^(fe[89ab]|169\.254\.)/i.test(each.address));
  const ofFamily = (family: string) =>
    external.filter((each) => each.family === family).slice(0, MAX_OF_FAMILY);
  return [...new Set([...ofFamily('IPv4'), ...ofFamily('IPv6')].map((each) => each.address))];
}

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

export interface AnnounceInit {
  /** Addresses or names under which peers reach the listener, such as that of a NAT router. Empty: the interfaces' own. */
  readonly hosts: readonly string[];
  /**
   * Announces 127.0.0.1 as well. For a node whose server is on loopback: its peers may be on
   * this machine too.
   */
  readonly loopback: boolean;
}

const LOOPBACK_HOST = '127.0.0.1';

/** IPv4 before IPv6, loopback last; loopback alone when the machine has no other address. */
export function announcedHosts(init: AnnounceInit, interfaces: Interfaces): string[] {
  const hosts = init.hosts.length > 0 ? [...init.hosts] : interfaceAddresses(interfaces);
  if ((init.loopback || hosts.length === 0) && !hosts.some(isLoopback)) hosts.push(LOOPBACK_HOST);
  return [...new Set(hosts)];
}

function interfaceAddresses(interfaces: Interfaces): string[] {
  const external = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    // Link-local addresses mean nothing on another machine.
    .filter((each) => !each.internal && !/^(fe[89ab]|169\.254\.)/i.test(each.address));
  const ofFamily = (family: string) => external.filter((each) => each.family === family);
  return [...ofFamily('IPv4'), ...ofFamily('IPv6')].map((each) => each.address);
}

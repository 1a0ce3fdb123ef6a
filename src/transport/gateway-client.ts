/**
 * Asks a gateway to forward a port to us, by NAT-PMP (RFC 6886) or UPnP (WANIPConnection:2). Runs in a
 * thread of its own that ends with the answer: see `port-mapper-thread.ts` for why.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type Gateway, pmpNat, upnpNat } from '@achingbrain/nat-port-mapper';
import { defaultGatewayOf } from './default-gateway.js';
import { type MappingOrder, PortMappingError } from './port-mapper.js';

/** Where Linux tells its routes. */
const ROUTES = '/proc/net/route';
const ANY_PORT = 9; // nothing is sent to it
const UPNP_SERVICE = 'urn:schemas-upnp-org:service:WANIPConnection:2';
/** Not left to the library: its timers end with the thread, and ours follow the clock. */
const NO_REFRESH = { autoRefresh: false, description: 'shoal' } as const;

/** What came of it, as the gateway says; to be checked by whoever reads it. Never ends by itself where nobody answers. */
export async function carryOut(order: MappingOrder): Promise<unknown> {
  return order.gateway.protocol === 'nat-pmp'
    ? await byNatPmp(order, order.gateway.host ?? (await defaultGateway()))
    : await byUpnp(order, await upnpGateway(order.gateway.description));
}

async function byNatPmp(order: MappingOrder, host: string): Promise<unknown> {
  const gateway = pmpNat(host, NO_REFRESH);
  const { internalPort, externalPort } = order;
  // RFC 6886 §3.3: in seconds. COMPAT: @achingbrain/nat-port-mapper 4.0.5 sends the milliseconds that it
  // documents as if they were seconds.
  if (order.action === 'unmap') {
    // §3.4. Its own `unmap` would ask again and again.
    await gateway.map(internalPort, '', { ...NO_REFRESH, protocol: 'tcp', ttl: 0 });
    return undefined;
  }
  const ttl = order.lifetimeS;
  const mapping = await gateway.map(internalPort, await ownAddress(host), {
    ...NO_REFRESH,
    protocol: 'tcp',
    ttl,
    externalPort,
  });
  // All that ask from this machine hear the answers: this one was somebody else's.
  if (mapping.internalPort !== internalPort) throw new PortMappingError('the answer is for another port');
  return { host: mapping.externalHost, port: mapping.externalPort };
}

async function byUpnp(order: MappingOrder, gateway: Gateway): Promise<unknown> {
  const { internalPort, externalPort } = order;
  if (order.action === 'unmap') {
    await deleteUpnpMapping(gateway, externalPort);
    return undefined;
  }
  const mapping = await gateway.map(internalPort, await ownAddress(gateway.host), {
    ...NO_REFRESH,
    protocol: 'tcp',
    ttl: order.lifetimeS * 1000,
    externalPort,
  });
  return { host: mapping.externalHost, port: mapping.externalPort };
}

/**
 * COMPAT: `unmap` of @achingbrain/nat-port-mapper 4.0.5 names no protocol, and the internal port instead of the
 * external one, which gateways refuse (WANIPConnection:2 §2.5.18, error 402). So the same action is called
 * with what belongs into it. Where that is no longer possible, `unmap` is what there is.
 */
async function deleteUpnpMapping(gateway: Gateway, externalPort: number): Promise<void> {
  const device: unknown = Reflect.get(gateway, 'gateway');
  const run: unknown = typeof device === 'object' && device !== null && Reflect.get(device, 'run');
  if (typeof run !== 'function') return await gateway.unmap(externalPort);
  await Reflect.apply(run, device, [
    UPNP_SERVICE,
    'DeletePortMapping',
    [
      ['NewRemoteHost', ''],
      ['NewExternalPort', externalPort],
      ['NewProtocol', 'TCP'],
    ],
  ]);
}

async function upnpGateway(description: string | undefined): Promise<Gateway> {
  const nat = upnpNat(NO_REFRESH);
  if (description !== undefined) return await nat.getGateway(new URL(description));
  // Those that speak IPv6 open their firewall and translate nothing, in a way that this library gets wrong.
  for await (const gateway of nat.findGateways()) if (gateway.family === 'IPv4') return gateway;
  throw new PortMappingError('no UPnP gateway');
}

async function defaultGateway(): Promise<string> {
  const routes = await readFile(ROUTES, 'utf8').catch(() => '');
  const gateway = defaultGatewayOf(routes);
  if (gateway === undefined) throw new PortMappingError('no default route is known');
  return gateway;
}

/** The address of ours from which `host` is reached. Sends nothing. */
async function ownAddress(host: string): Promise<string> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.connect(ANY_PORT, host);
  await once(socket, 'connect');
  const { address } = socket.address();
  socket.close();
  return address;
}

/** What the mapping of ports needs of whoever speaks with gateways. */
import { isIPv4 } from 'node:net';
import { ShoalError } from '../errors.js';

/** Whom to ask, and how. Without an address: the gateway of the default route, or the one that answers a search. */
export type GatewayChoice =
  | { readonly protocol: 'nat-pmp'; readonly host?: string }
  /** `description` is the URL of the device's description. */
  | { readonly protocol: 'upnp'; readonly description?: string };

export interface MappingOrder {
  readonly action: 'map' | 'unmap';
  readonly gateway: GatewayChoice;
  /** TCP ports. The gateway may choose another external one. */
  readonly internalPort: number;
  readonly externalPort: number;
  readonly lifetimeS: number;
}

/** Where the gateway takes connections for us. */
export interface MappedPort {
  readonly host: string;
  readonly port: number;
}

export interface PortMapper {
  /** Rejects with {@link PortMappingError}, TimeoutError or AbortedError. */
  map(order: Omit<MappingOrder, 'action'>, signal: AbortSignal): Promise<MappedPort>;
  /** The same in reverse. */
  unmap(order: Omit<MappingOrder, 'action'>, signal: AbortSignal): Promise<void>;
}

/** Thrown when a gateway refuses, is not there, or answers nonsense. */
export class PortMappingError extends ShoalError {
  readonly code = 'port-mapping';
}

/** Throws {@link PortMappingError}: no gateway is believed to be anywhere. */
export function mappedPortOf(answer: unknown): MappedPort {
  if (typeof answer === 'object' && answer !== null && 'host' in answer && 'port' in answer) {
    const { host, port } = answer;
    const isPort = typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= 65_535;
    // A gateway that is not connected itself says 0.0.0.0 (RFC 6886 §3.2).
    if (typeof host === 'string' && isIPv4(host) && !/^(0|22[4-9]|2[3-5]\d)\./.test(host) && isPort)
      return { host, port };
  }
  throw new PortMappingError('the gateway names no address that peers could connect to');
}

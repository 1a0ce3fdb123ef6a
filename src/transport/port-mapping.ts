/**
 * Has a gateway forward a port to our listener, and keeps it so: the `assisted` candidate of XEP-0260 §2.2.
 * Where no gateway does, we go without, and ask again later: the network may be another by then.
 */
import { type Clock, sleep } from '../clock.js';
import { AbortedError, messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import type { ListenAddress } from './announced-hosts.js';
import type { GatewayChoice, MappedPort, PortMapper } from './port-mapper.js';

export interface PortMappingComponents {
  readonly mapper: PortMapper;
  readonly clock: Clock;
  readonly log: Log;
}

export interface PortMappingLimits {
  /** What is asked for. A gateway forgets us so long after a crash of ours. */
  readonly lifetimeS: number;
  /** Much less than that: gateways may grant less, and forget when they restart. */
  readonly renewMs: number;
  /** After a failure; twice as long after each further one, until it is `renewMs`. */
  readonly retryMs: number;
  /** How long a stop waits for the gateway. */
  readonly unmapTimeoutMs: number;
}

export interface PortMappingInit extends PortMappingLimits {
  /** Asked in this order, until one does it. May name one twice, where a question may get lost. */
  readonly gateways: readonly GatewayChoice[];
  /** The listener's port, known once it has started. */
  readonly port: () => number;
}

interface Kept {
  readonly gateway: GatewayChoice;
  readonly internalPort: number;
  readonly mapped: MappedPort;
  readonly endsAtMs: number;
}

export class PortMapping implements Startable {
  readonly #components: PortMappingComponents;
  readonly #init: PortMappingInit;
  readonly #stopping = new AbortController();
  #kept: Kept | undefined;
  #keeping: Promise<void> | undefined;

  constructor(components: PortMappingComponents, init: PortMappingInit) {
    this.#components = components;
    this.#init = init;
  }

  /** Where peers reach us by way of the gateway; undefined while there is none. */
  get address(): ListenAddress | undefined {
    const kept = this.#kept;
    if (kept === undefined || this.#components.clock.monotonic() >= kept.endsAtMs) return undefined;
    return { ...kept.mapped, type: 'assisted' };
  }

  /** Does not wait for the gateway. */
  start(): Promise<void> {
    this.#keeping = this.#keep();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#keeping;
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept !== undefined) await this.#unmap(kept);
  }

  /** Never rejects. */
  async #keep(): Promise<void> {
    const { signal } = this.#stopping;
    const { renewMs, retryMs } = this.#init;
    let waitMs = retryMs;
    while (!signal.aborted) {
      const kept = await this.#ask(signal);
      if (kept !== undefined) {
        this.#told(kept);
        this.#kept = kept;
        waitMs = retryMs;
      }
      try {
        await sleep(this.#components.clock, kept === undefined ? waitMs : renewMs, signal);
      } catch {
        return; // stopped
      }
      if (kept === undefined) waitMs = Math.min(waitMs * 2, renewMs);
    }
  }

  /** The first gateway that does it, the one before all others that did it last. */
  async #ask(signal: AbortSignal): Promise<Kept | undefined> {
    const { lifetimeS, port } = this.#init;
    const { clock, log, mapper } = this.#components;
    const internalPort = port();
    const last = this.#kept;
    const gateways = last === undefined ? this.#init.gateways : [last.gateway, ...this.#init.gateways];
    for (const gateway of gateways) {
      const askedAtMs = clock.monotonic();
      try {
        const externalPort = last?.mapped.port ?? internalPort;
        const mapped = await mapper.map({ gateway, internalPort, externalPort, lifetimeS }, signal);
        return { gateway, internalPort, mapped, endsAtMs: askedAtMs + lifetimeS * 1000 };
      } catch (thrown) {
        if (thrown instanceof AbortedError) return undefined;
        log.debug({ gateway, why: messageOf(thrown) }, 'no port mapped');
      }
    }
    return undefined;
  }

  #told({ gateway: { protocol }, mapped }: Kept): void {
    const before = this.#kept?.mapped;
    if (before?.host === mapped.host && before.port === mapped.port) return;
    this.#components.log.info({ protocol, ...mapped }, 'a gateway forwards a port to us');
  }

  async #unmap({ gateway, internalPort, mapped }: Kept): Promise<void> {
    const { clock, log, mapper } = this.#components;
    const { lifetimeS, unmapTimeoutMs } = this.#init;
    const enough = new AbortController();
    const timer = clock.after(unmapTimeoutMs, () => enough.abort());
    try {
      await mapper.unmap({ gateway, internalPort, externalPort: mapped.port, lifetimeS }, enough.signal);
    } catch (thrown) {
      log.debug({ why: messageOf(thrown) }, `the gateway forwards a port for up to ${lifetimeS} s more`);
    } finally {
      timer.cancel();
    }
  }
}

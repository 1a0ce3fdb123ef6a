/**
 * Speaks with gateways in a thread that lives for one answer.
 *
 * The library that knows the protocols (`gateway-client.ts`) trusts the network: a datagram without bytes, from
 * anybody, is an exception nobody catches; a gateway that says nothing keeps its socket and its queue for good; an
 * answer may be as long as it likes. All of that ends with the thread, and nothing of the node is in it.
 */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock.js';
import { AbortedError, messageOf, TimeoutError } from '../errors.js';
import {
  type MappedPort,
  type MappingOrder,
  mappedPortOf,
  type PortMapper,
  PortMappingError,
} from './port-mapper.js';

export interface PortMapperThreadInit {
  /** For NAT-PMP, whose gateway is known: it answers in a moment or not at all. */
  readonly natPmpTimeoutMs: number;
  /** For UPnP, where devices may take their time to say that they are there. */
  readonly upnpTimeoutMs: number;
}

const MAX_HEAP_MB = 64; // an answer has some kilobytes; the libraries take a dozen

export class PortMapperThread implements PortMapper {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #init: PortMapperThreadInit;

  constructor(components: { readonly clock: Pick<Clock, 'after'> }, init: PortMapperThreadInit) {
    this.#clock = components.clock;
    this.#init = init;
  }

  async map(order: Omit<MappingOrder, 'action'>, signal: AbortSignal): Promise<MappedPort> {
    return mappedPortOf(await this.#answer({ ...order, action: 'map' }, signal));
  }

  async unmap(order: Omit<MappingOrder, 'action'>, signal: AbortSignal): Promise<void> {
    await this.#answer({ ...order, action: 'unmap' }, signal);
  }

  async #answer(order: MappingOrder, signal: AbortSignal): Promise<unknown> {
    if (signal.aborted) throw new AbortedError('the mapping was given up');
    const worker = new Worker(new URL('../../workers/map-port.js', import.meta.url), {
      workerData: order,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    const { natPmpTimeoutMs, upnpTimeoutMs } = this.#init;
    const timeoutMs = order.gateway.protocol === 'nat-pmp' ? natPmpTimeoutMs : upnpTimeoutMs;
    let clean = () => undefined as undefined;
    try {
      return await new Promise((resolve, reject) => {
        const timer = this.#clock.after(timeoutMs, () =>
          reject(new TimeoutError(`no answer from a gateway within ${timeoutMs} ms`)),
        );
        const onAbort = () => reject(new AbortedError('the mapping was given up'));
        signal.addEventListener('abort', onAbort, { once: true });
        clean = () => {
          timer.cancel();
          signal.removeEventListener('abort', onAbort);
          return undefined;
        };
        worker.on('message', resolve);
        worker.on('error', (error) => reject(new PortMappingError(messageOf(error), { cause: error })));
        worker.on('exit', () => reject(new PortMappingError('the thread ended without an answer')));
      });
    } finally {
      clean();
      await worker.terminate();
    }
  }
}

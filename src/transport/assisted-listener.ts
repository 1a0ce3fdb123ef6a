/** A listener that is also reached by way of a gateway. */
import type { ListenAddress } from './announced-hosts.js';
import type { InboundListener, InboundTaker } from './s5b-listener.js';

export interface AssistedListenerComponents {
  readonly listener: InboundListener;
  readonly mapping: { readonly address: ListenAddress | undefined };
}

export class AssistedListener implements InboundListener {
  readonly #components: AssistedListenerComponents;

  constructor(components: AssistedListenerComponents) {
    this.#components = components;
  }

  get addresses(): readonly ListenAddress[] {
    const { listener, mapping } = this.#components;
    const own = listener.addresses;
    const assisted = mapping.address;
    // XEP-0260 §2.2: no two candidates with the same host and port. It may be configured as well.
    const isKnown = own.some(({ host, port }) => host === assisted?.host && port === assisted.port);
    return assisted === undefined || isKnown ? own : [...own, assisted];
  }

  expect(dstaddr: string, taker: InboundTaker): () => void {
    return this.#components.listener.expect(dstaddr, taker);
  }
}

/** One running offering node. The parts are not wired yet: starting it says so. */
import type { Clock } from '../clock.js';
import type { NodeConfig } from '../config/options.js';
import type { Log } from '../log.js';
import type { Startable } from '../startable.js';
import type { NodeStatus } from './node-status.js';

export class NetworkNode implements Startable {
  readonly failed: Promise<never> = new Promise(() => {});
  readonly #init: NodeConfig;

  constructor(_components: { readonly clock: Clock; readonly log: Log }, init: NodeConfig) {
    this.#init = init;
  }

  start(): Promise<void> {
    return Promise.reject(new Error('the node is not wired yet'));
  }

  async stop(): Promise<void> {}

  status(): NodeStatus {
    return {
      jid: this.#init.xmpp.jid,
      online: false,
      uptimeMs: 0,
      shares: [],
      hashing: { filesLeft: 0, bytesLeft: 0, bytesPerSecond: 0 },
      channels: [],
      transfers: [],
      queries: { received: 0, answered: 0, refused: 0, dropped: 0 },
    };
  }
}

/** The address of a node on the network, as its configuration has it: a component's or an account's. */
import type { XmppConfig } from '../config/options.js';
import { clientEntity } from '../entity/client-entity.js';
import type { ConnectionComponents } from '../entity/component-connection.js';
import { componentEntity } from '../entity/component-entity.js';
import type { Entity } from '../entity/entity.js';
import type { StanzaRouterInit } from '../entity/stanza-router.js';

export function nodeEntity(
  components: ConnectionComponents,
  config: XmppConfig,
  routerInit: StanzaRouterInit,
): Entity {
  if (config.mode === 'component') return componentEntity(components, config, routerInit);
  // Nobody waits in front of a node: like a component it tries until the server is there.
  const times = { maxInitialFailures: undefined };
  return clientEntity(components, { ...config, presence: 'none', times }, routerInit);
}

/** Where the server is, as seen from here. */
export function serverHostOf(config: XmppConfig): string {
  return config.mode === 'component' ? config.host : config.server.host;
}

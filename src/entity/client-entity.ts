/** A client on the network: connection and router put together. */
import { type ClientConnectionInit, clientConnection } from './client-connection.js';
import type { ConnectionComponents } from './component-connection.js';
import type { Entity } from './entity.js';
import { StanzaRouter, type StanzaRouterInit } from './stanza-router.js';

/**
 * Not connected before `start`, which rejects when the server can't be reached: somebody waits in
 * front of a client. A stream that is lost later is opened again.
 */
export function clientEntity(
  components: ConnectionComponents,
  init: ClientConnectionInit,
  routerInit: StanzaRouterInit = {},
): Entity {
  return new StanzaRouter({ ...components, connection: clientConnection(components, init) }, routerInit);
}

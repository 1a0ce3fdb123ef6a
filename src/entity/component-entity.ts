/** A component on the network: connection and router put together. */
import {
  type ComponentConnectionInit,
  type ConnectionComponents,
  componentConnection,
} from './component-connection.js';
import type { Entity } from './entity.js';
import { StanzaRouter, type StanzaRouterInit } from './stanza-router.js';

/** Not connected before `start`, which resolves at the first `online`, however long the server takes to be there. */
export function componentEntity(
  components: ConnectionComponents,
  init: ComponentConnectionInit,
  routerInit: StanzaRouterInit = {},
): Entity {
  return new StanzaRouter({ ...components, connection: componentConnection(components, init) }, routerInit);
}

/** The address of a node on the network, as its configuration has it: a component's or an account's. */
import type { XmppConfig } from '../config/options.js';
import { clientConnection } from '../entity/client-connection.js';
import { type ConnectionComponents, componentConnection } from '../entity/component-connection.js';
import type { Connection } from '../entity/connection.js';
import type { Entity } from '../entity/entity.js';
import { StanzaRouter, type StanzaRouterInit } from '../entity/stanza-router.js';
import type { StanzaScreen } from '../entity/stanza-screen.js';

export type Connect = (components: ConnectionComponents, config: XmppConfig) => Connection;

export interface NodeEntityComponents extends ConnectionComponents {
  /** Default {@link connectToServer}. */
  readonly connect?: Connect;
  /** What is put between the connection and everything else. */
  readonly between?: (connection: Connection) => Connection;
  readonly screen?: StanzaScreen;
}

export function nodeEntity(
  { clock, log, connect = connectToServer, between, screen }: NodeEntityComponents,
  config: XmppConfig,
  routerInit: StanzaRouterInit,
): Entity {
  const connection = connect({ clock, log }, config);
  return new StanzaRouter(
    { clock, log, connection: between?.(connection) ?? connection, ...(screen && { screen }) },
    routerInit,
  );
}

export const connectToServer: Connect = (components, config) => {
  if (config.mode === 'component') return componentConnection(components, config);
  // Nobody waits in front of a node: like a component it tries until the server is there.
  const times = { maxInitialFailures: undefined };
  return clientConnection(components, { ...config, presence: 'none', times });
};

/** Where the server is, as seen from here. */
export function serverHostOf(config: XmppConfig): string {
  return config.mode === 'component' ? config.host : config.server.host;
}

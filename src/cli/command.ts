/** What `shoal` knows of its commands. */
import type { Clock } from '../clock.js';
import type { AskerConfig, NodeConfig } from '../config/options.js';
import type { Log } from '../log.js';
import type { Asker } from '../node/asker.js';
import type { Questioned } from '../node/node-question.js';
import type { NodeStatus } from '../node/node-status.js';
import type { PrivateProsodyInit } from '../private-server/prosody-config.js';
import type { OwnersConfiguration } from '../service/commands/owner-commands.js';
import type { Startable } from '../startable.js';
import type { Arguments, CommandSpec } from './arguments.js';
import type { Io } from './terminal.js';

/** How a command ended, for the shell. */
export const ExitCode = { done: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** A running node as `serve` and `start` see it. */
export interface ServedNode extends Startable, Questioned {
  status(): NodeStatus;
  /** Takes over another configuration, all of it or nothing. Resolves with what has changed. */
  reload(config: NodeConfig): Promise<readonly string[]>;
  /** What its owners change from their clients; without it there are no such commands. */
  configuration?: OwnersConfiguration;
  /** Rejects when the node can't go on, as when the server refuses it for good. Never resolves. */
  readonly failed: Promise<never>;
}

/** A server that `start` runs beside the node. */
export interface ServerOfOurs extends Startable {
  /** Resolves when it has ended though nobody asked it to. */
  died(): Promise<void>;
}

/** What commands work with; `main.ts` hands them the real ones, which are loaded by whoever needs them first. */
export interface Components {
  readonly clock: Clock;
  readonly createAsker: (
    components: { clock: Clock; log: Log },
    init: AskerConfig,
    options?: { readonly stateFolder?: string },
  ) => Promise<Asker>;
  readonly createNode: (components: { clock: Clock; log: Log }, init: NodeConfig) => Promise<ServedNode>;
  readonly createServer: (
    components: { clock: Clock; log: Log },
    init: PrivateProsodyInit,
  ) => Promise<ServerOfOurs>;
}

export interface Command {
  readonly spec: CommandSpec;
  /** Throws UsageError and ConfigError, which end in exit code 2, and other ShoalErrors, which end in 1. */
  run(components: Components, args: Arguments, io: Io): Promise<ExitCode>;
}

/** Commands that clients show as windows (XEP-0050): who may see which, and the sessions in which they run. */
import { randomBytes } from 'node:crypto';
import type { Refusals } from '../../access/refusals.js';
import type { Clock, Timer } from '../../clock.js';
import type { Disco, DiscoItemsBelow, DiscoItemsQuery } from '../../entity/disco.js';
import type { Entity, IncomingIq, IqHandler, Unsubscribe } from '../../entity/entity.js';
import type { BareJid, Jid } from '../../stanza/jid.js';
import { bareOf, domainOf } from '../../stanza/jid.js';
import { StanzaError } from '../../stanza/stanza-error.js';
import { discoInfoCodec, discoQueryNodeId } from '../../stanza/xep0030-disco.js';
import {
  COMMAND_FEATURES,
  COMMANDS,
  type CommandAnswer,
  CommandElement,
  type CommandRequest,
  commandAnswerCodec,
  commandError,
  commandIdentity,
  commandListIdentity,
  commandRequestCodec,
} from '../../stanza/xep0050-commands.js';
import type { Element } from '../../stanza/xml.js';
import type { Startable } from '../../startable.js';
import type { Command } from './command.js';
import { CommandSession } from './command-session.js';

export interface CommandServiceComponents {
  readonly entity: Entity;
  readonly disco: Disco;
  readonly clock: Clock;
  /** In the order of menus. */
  readonly commands: readonly Command[];
  readonly refusals?: Pick<Refusals, 'count'>;
}

/** Whoever is at a form for so long has left it. */
const IDLE_MS = 10 * 60_000;
const LOOK_MS = 60_000;
/** Each holds what was found: some 50 kB. */
const MAX_SESSIONS = 200;
/** Clients forget to cancel; the one that was left alone longest goes. */
const MAX_SESSIONS_PER_ASKER = 5;
/** Nobody ends the sessions of others by inventing accounts. */
const MAX_SESSIONS_PER_DOMAIN = 50;

export class CommandService implements Startable {
  readonly #components: CommandServiceComponents;
  readonly #registrations: Unsubscribe[] = [];
  /** The one used last comes last. */
  readonly #sessions = new Map<string, CommandSession>();
  /** Begins the ids of this run: an id of it that is not there any more is known to have expired. */
  readonly #run = randomBytes(9).toString('base64url');
  #timer: Timer | undefined;

  constructor(components: CommandServiceComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { entity, disco } = this.#components;
    const { name, ns } = CommandElement;
    this.#registrations.push(
      entity.handleIq('set', name, ns, this.#execute),
      disco.addFeature(COMMANDS),
      disco.onItems(this.#items),
      disco.onQuery(this.#info),
    );
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
    this.#timer?.cancel();
    for (const session of this.#sessions.values()) session.expire();
    this.#sessions.clear();
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  #commandsFor(asker: Jid): Command[] {
    return this.#components.commands.filter((command) => command.isFor(asker));
  }

  #commandFor(asker: Jid, nodeId: string): Command | undefined {
    return this.#commandsFor(asker).find((command) => command.nodeId === nodeId);
  }

  /** §2.2. */
  readonly #items = ({ nodeId, from }: DiscoItemsQuery): DiscoItemsBelow | undefined => {
    const { jid } = this.#components.entity;
    if (nodeId === undefined) return { items: [{ jid, nodeId: COMMANDS, name: 'Commands' }] };
    if (nodeId !== COMMANDS) return this.#commandFor(from, nodeId) && { items: [] };
    return {
      items: this.#commandsFor(from).map((command) => ({ jid, nodeId: command.nodeId, name: command.name })),
    };
  };

  readonly #info = ({ from, payload }: IncomingIq): Element | undefined => {
    const nodeId = discoQueryNodeId(payload);
    if (nodeId === COMMANDS) {
      return discoInfoCodec.toXml({ nodeId, identities: [commandListIdentity], features: [], forms: [] });
    }
    const command = nodeId === undefined ? undefined : this.#commandFor(from, nodeId);
    if (nodeId === undefined || command === undefined) return undefined;
    const identities = [commandIdentity(command.name)];
    return discoInfoCodec.toXml({ nodeId, identities, features: COMMAND_FEATURES, forms: [] });
  };

  readonly #execute: IqHandler = async ({ from, payload }, signal) => {
    const request = commandRequestCodec.fromXml(payload);
    const command = this.#commandFor(from, request.nodeId);
    // What is not for them is not there.
    if (command === undefined) throw new StanzaError('item-not-found', 'there is no such command');
    const answer =
      request.sessionId === undefined
        ? await this.#begin(from, command, request, signal)
        : await this.#goOn(from, request, request.sessionId, signal);
    return commandAnswerCodec.toXml(answer);
  };

  async #begin(
    from: Jid,
    command: Command,
    { nodeId, action }: CommandRequest,
    signal: AbortSignal,
  ): Promise<CommandAnswer> {
    if (action !== 'execute') throw commandError('bad-action', 'a command begins with execute');
    const stage = await command.begin(from, signal);
    const id = `${this.#run}-${randomBytes(12).toString('base64url')}`;
    const { refusals } = this.#components;
    const session = new CommandSession({ id, nodeId, from, stage, ...(refusals && { refusals }) });
    if (!session.isOver) {
      this.#makeRoom(bareOf(from));
      this.#keep(session);
    }
    return session.current();
  }

  async #goOn(
    from: Jid,
    request: CommandRequest,
    sessionId: string,
    signal: AbortSignal,
  ): Promise<CommandAnswer> {
    const session = this.#sessions.get(sessionId);
    if (session === undefined && sessionId.startsWith(`${this.#run}-`)) {
      throw commandError('session-expired', 'that was too long ago: begin again');
    }
    if (session === undefined || session.from !== from || session.nodeId !== request.nodeId) {
      throw commandError('bad-sessionid', 'there is no such session of yours');
    }
    this.#keep(session);
    try {
      return await session.take(request, signal);
    } finally {
      if (session.isOver) this.#sessions.delete(sessionId);
    }
  }

  #keep(session: CommandSession): void {
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
    session.usedAtMs = this.#components.clock.monotonic();
    this.#timer ??= this.#components.clock.after(LOOK_MS, this.#look);
  }

  #makeRoom(asker: BareJid): void {
    const domain = domainOf(asker);
    const near = [...this.#sessions.values()].filter(({ from }) => domainOf(from) === domain);
    const theirs = near.filter(({ from }) => bareOf(from) === asker);
    if (theirs.length >= MAX_SESSIONS_PER_ASKER) this.#expire(theirs[0]);
    else if (near.length >= MAX_SESSIONS_PER_DOMAIN) this.#expire(near[0]);
    if (this.#sessions.size >= MAX_SESSIONS) this.#expire(this.#sessions.values().next().value);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    const { clock } = this.#components;
    const beforeMs = clock.monotonic() - IDLE_MS;
    for (const session of this.#sessions.values()) if (session.usedAtMs <= beforeMs) this.#expire(session);
    if (this.#sessions.size > 0) this.#timer = clock.after(LOOK_MS, this.#look);
  };

  #expire(session: CommandSession | undefined): void {
    if (session === undefined) return;
    session.expire();
    this.#sessions.delete(session.id);
  }
}

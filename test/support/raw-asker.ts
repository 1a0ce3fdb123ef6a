/**
 * An asker on a real server that says what its script says, right or wrong: raw payloads, raw
 * Jingle, the bytes of SOCKS5 and the blocks of IBB by hand. It keeps all that it is sent, and takes
 * bytes only while it is told to.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Entity } from '../../src/entity/entity.js';
import type { Jid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import type { Element } from '../../src/stanza/xml.js';
import { elementOf } from './codec-fixtures.js';
import { eventually } from './eventually.js';

/** What stands in a `<file/>`, and over which transport. */
export interface RawFileRequest {
  readonly file: string;
  readonly transport?: 's5b' | 'ibb';
  /** Inside `<transport/>`. */
  readonly candidates?: string;
}

const BLOCK_BYTES = 4096;

export class RawAsker {
  /** The `<jingle/>` elements that came, in order. */
  readonly actions: Element[] = [];
  /** What the blocks of each in-band bytestream held. */
  readonly #received = new Map<string, Buffer[]>();
  /** How many sessions the node took up. */
  sessions = 0;
  #stalled: Promise<void> | undefined;
  #flow: () => void = () => undefined;

  private constructor(
    readonly entity: Entity,
    readonly node: Jid,
  ) {
    entity.handleIq('set', 'jingle', NS.jingle, ({ payload }) => {
      this.actions.push(payload);
      return undefined;
    });
    entity.handleIq('set', 'data', NS.ibb, async ({ payload }) => {
      this.#blocksOf(String(payload.attrs.sid)).push(Buffer.from(payload.getText(), 'base64'));
      await this.#stalled;
      return undefined;
    });
    entity.handleIq('set', 'close', NS.ibb, () => undefined);
  }

  /** `entity` is started and stopped by the caller. */
  static on(entity: Entity, node: Jid): RawAsker {
    return new RawAsker(entity, node);
  }

  /** Sends an iq; its result, or `CONDITION: text` of the error. */
  async ask(payload: string | Element, type: 'get' | 'set' = 'get'): Promise<Element | string> {
    const element = typeof payload === 'string' ? elementOf(payload) : payload;
    try {
      return await this.entity.request({ to: this.node, type, payload: element });
    } catch (thrown) {
      if (thrown instanceof StanzaError) return `${thrown.condition}: ${thrown.text ?? ''}`;
      throw thrown;
    }
  }

  /** Asks by `<find/>` with a form of these fields. */
  find(fields: string, attributes = '', beside = ''): Promise<Element | string> {
    return this.ask(findOf(fields, attributes, beside));
  }

  /** Sends a `<jingle/>`; `acked`, or what was answered instead. */
  async jingle(action: string, sid: string, inside = ''): Promise<string> {
    const answer = await this.ask(
      `<jingle xmlns='${NS.jingle}' action='${action}' sid='${sid}'>${inside}</jingle>`,
      'set',
    );
    return typeof answer === 'string' ? answer : 'acked';
  }

  async request(sid: string, { file, transport = 'ibb', candidates = '' }: RawFileRequest): Promise<string> {
    const described =
      transport === 'ibb'
        ? `<transport xmlns='${NS.jingleIbb}' sid='${sid}' block-size='${BLOCK_BYTES}'/>`
        : `<transport xmlns='${NS.s5b}' sid='${sid}' mode='tcp'>${candidates}</transport>`;
    const answer = await this.jingle(
      'session-initiate',
      sid,
      `<content creator='initiator' name='c' senders='responder'><description xmlns='${NS.fileTransfer5}'>` +
        `<file>${file}</file></description>${described}</content>`,
    );
    if (answer === 'acked') this.sessions += 1;
    return answer;
  }

  /** Waits for an action of this session. */
  async action(sid: string, name: string, withinMs = 15_000): Promise<Element> {
    const found = await eventually(
      () => this.actions.find(({ attrs }) => attrs.sid === sid && attrs.action === name),
      (each) => each !== undefined,
      withinMs,
    );
    return found as Element;
  }

  /** The names of what stands in the reason with which the node ended the session. */
  async reason(sid: string, withinMs?: number): Promise<string> {
    const terminate = await this.action(sid, 'session-terminate', withinMs);
    const told = terminate.getChild('reason')?.getChildElements() ?? [];
    return told
      .filter((each) => each.getName() !== 'text')
      .map((each) => each.getName())
      .join(' ');
  }

  /** How the node refuses a request, word for word. */
  async refusal(sid: string, request: RawFileRequest): Promise<string> {
    const answer = await this.request(sid, request);
    if (answer !== 'acked') return answer;
    return String(await this.action(sid, 'session-terminate')).replaceAll(sid, 'SID');
  }

  /** Opens the in-band bytestream of an accepted session: blocks come from now on. */
  async openIbb(sid: string): Promise<void> {
    await this.action(sid, 'session-accept');
    await this.ask(`<open xmlns='${NS.ibb}' sid='${sid}' block-size='${BLOCK_BYTES}' stanza='iq'/>`, 'set');
  }

  /** Until the function that comes back is called, no block is acknowledged. */
  stall(): () => void {
    this.#stalled = new Promise((resolve) => {
      this.#flow = resolve;
    });
    return () => {
      this.#stalled = undefined;
      this.#flow();
    };
  }

  receivedByIbb(sid: string): Buffer {
    return Buffer.concat(this.#blocksOf(sid));
  }

  /** Connects to the node's own candidate of an accepted session and nominates it. Nothing is read yet. */
  async openS5b(sid: string): Promise<Socket> {
    const accept = await this.action(sid, 'session-accept');
    const transport = accept.getChild('content')?.getChild('transport');
    const candidate = transport?.getChildren('candidate').find((each) => each.attrs.host === '127.0.0.1');
    if (!transport || !candidate) throw new Error(`no candidate on loopback in ${accept}`);
    const socket = connect({ host: '127.0.0.1', port: Number(candidate.attrs.port) });
    socket.on('error', () => undefined); // the node may cut it: the test looks at what came
    await once(socket, 'connect');
    socket.write(Buffer.from([5, 1, 0]));
    await readExactly(socket, 2);
    const address = Buffer.from(String(transport.attrs.dstaddr));
    socket.write(Buffer.concat([Buffer.from([5, 1, 0, 3, address.length]), address, Buffer.from([0, 0])]));
    await readExactly(socket, 7 + address.length);
    await this.jingle(
      'transport-info',
      sid,
      `<content creator='initiator' name='c'><transport xmlns='${NS.s5b}' sid='${sid}'>` +
        `<candidate-used cid='${candidate.attrs.cid}'/></transport></content>`,
    );
    return socket;
  }

  #blocksOf(sid: string): Buffer[] {
    const blocks = this.#received.get(sid) ?? [];
    this.#received.set(sid, blocks);
    return blocks;
  }
}

/** A `<find/>` with a form of these fields. */
export function findOf(fields: string, attributes = '', beside = ''): string {
  return `<find xmlns='${NS.find}' ${attributes}><x xmlns='${NS.dataForms}' type='submit'>${fields}</x>${beside}</find>`;
}

/** A field with values. */
export function field(name: string, ...values: readonly string[]): string {
  return `<field var='${name}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`;
}

/** A field with a regular expression, which is escaped here. */
export function regexField(name: string, pattern: string): string {
  const escaped = pattern.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<field var='${name}'><validate xmlns='${NS.validate}' datatype='xs:string'><regex>${escaped}</regex></validate></field>`;
}

/** Everything until the socket ends. */
export async function drain(socket: Socket): Promise<number> {
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  if (!socket.destroyed && !socket.readableEnded) {
    await Promise.race([once(socket, 'end'), once(socket, 'close')]);
  }
  socket.destroy();
  return bytes;
}

async function readExactly(socket: Socket, count: number): Promise<Buffer> {
  for (;;) {
    const bytes = socket.read(count) as Buffer | null;
    if (bytes !== null) return bytes;
    if (socket.readableEnded || socket.destroyed) throw new Error('the socket ended in the handshake');
    await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
  }
}

/** A Jingle peer that does what its script says, stanza by stanza, and keeps what it is sent. */
import assert from 'node:assert/strict';
import type { Entity } from '../../src/entity/entity.js';
import type { Jid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { StanzaError } from '../../src/stanza/stanza-error.js';
import { type Jingle, jingleCodec, jingleErrorOf } from '../../src/stanza/xep0166-jingle.js';
import type { Element } from '../../src/stanza/xml.js';
import { elementOf } from './codec-fixtures.js';
import type { MemoryNetwork } from './memory-network.js';
import { settle } from './virtual-clock.js';

export class RawJinglePeer {
  /** The actions it was sent and has not looked at yet. */
  readonly inbox: Jingle[] = [];
  /** How it answers the next action: with an empty result, unless this says an error. */
  answer: StanzaError | undefined;

  private constructor(
    readonly entity: Entity,
    private readonly to: Jid,
  ) {
    entity.handleIq('set', 'jingle', NS.jingle, (iq) => {
      this.inbox.push(jingleCodec.fromXml(iq.payload));
      if (this.answer) throw this.answer;
      return undefined;
    });
  }

  static async online(net: MemoryNetwork, jid: string, to: Jid): Promise<RawJinglePeer> {
    const peer = new RawJinglePeer(net.client(jid), to);
    await peer.entity.start();
    return peer;
  }

  /** Sends a `<jingle/>` with this action, sid and content; `acked` or the conditions of the error that came. */
  async send(action: string, sid: string, inside = '', attributes = ''): Promise<string> {
    return await this.sendElement(
      elementOf(
        `<jingle xmlns='${NS.jingle}' action='${action}' sid='${sid}' ${attributes}>${inside}</jingle>`,
      ),
    );
  }

  async sendElement(payload: Element): Promise<string> {
    try {
      await this.entity.request({ to: this.to, type: 'set', payload });
      return 'acked';
    } catch (error) {
      assert.ok(error instanceof StanzaError, String(error));
      return [error.condition, jingleErrorOf(error)].filter((each) => each !== undefined).join(' ');
    }
  }

  /** Waits for its next action and takes it out. */
  async next<A extends Jingle['action']>(action: A): Promise<Jingle & { readonly action: A }> {
    for (let turn = 0; turn < 500 && this.inbox.length === 0; turn += 1) await settle();
    const jingle = this.inbox.shift();
    assert.equal(jingle?.action, action);
    return jingle as Jingle & { readonly action: A };
  }

  /** Requests a file over a transport of this namespace; the sid of the session is that of the transport. */
  async request(sid: string, name = 'a', ns: string = NS.s5b): Promise<string> {
    return await this.send('session-initiate', sid, contentOf({ sid, file: `<name>${name}</name>`, ns }));
  }

  stop(): Promise<void> {
    return this.entity.stop();
  }
}

export interface RawContent {
  readonly sid: string;
  /** Inside `<file/>`; without it there is no description. */
  readonly file?: string;
  readonly ns?: string;
  readonly senders?: string;
  readonly fileTransfer?: string;
  readonly also?: string;
}

/** A `<content/>` for a memory transport. */
export function contentOf({ sid, file, ns = NS.s5b, senders, fileTransfer, also }: RawContent): string {
  const description =
    file === undefined
      ? ''
      : `<description xmlns='${fileTransfer ?? NS.fileTransfer5}'><file>${file}</file></description>`;
  return (
    `<content creator='initiator' name='c' senders='${senders ?? 'responder'}'>` +
    `${description}<transport xmlns='${ns}' sid='${sid}'/>${also ?? ''}</content>`
  );
}

export const BARE_CONTENT = "<content creator='initiator' name='c'/>";

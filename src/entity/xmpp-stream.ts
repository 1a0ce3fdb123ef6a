/** One stream to a server, from connecting to its end. A new one is made for each attempt. */
import type { Jid } from '../stanza/jid.js';
import type { Element } from '../stanza/xml.js';
import type { Loss } from './connection-machine.js';

export interface XmppStreamListener {
  /** Authenticated; `jid` is the address that the server gave us, now or when the session began. Called once. */
  onOpened(jid: Jid, resumed: boolean): void;
  /** A stanza came; never before `onOpened`. */
  onStanza(stanza: Element): void;
  /** Bytes came, whatever they mean. */
  onAlive(): void;
  /** It is over, by no wish of ours; its socket is closed. Called at most once, and not after `close` or `drop`. */
  onLost(loss: Loss): void;
}

export interface XmppStream {
  /** Connects and authenticates; everything else is told to the listener. */
  open(): void;
  /** Writes XML. Nothing happens when the stream is over. */
  write(text: string): void;
  /** Closes it as RFC 6120 §4.4 asks; resolves when the socket is closed, after at most a few seconds. */
  close(): Promise<void>;
  /** Closes the socket at once. */
  drop(): void;
}

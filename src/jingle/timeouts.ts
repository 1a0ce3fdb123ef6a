/** How long a Jingle session waits for what. Every state that waits names one of these. */
export interface JingleTimeouts {
  /** The peer's acknowledgement of an action. */
  readonly ackMs: number;
  /** The same for a session-terminate, for which somebody waits who is done. */
  readonly terminateMs: number;
  /** Setting up our own side of a transport. */
  readonly prepareMs: number;
  /** The peer's session-accept. */
  readonly acceptMs: number;
  /** All that is said of places in a queue: they lengthen the two around this, but not for ever. */
  readonly queueMs: number;
  /** Our own answer to a request. */
  readonly decideMs: number;
  /** Both sides agreeing on a connection. */
  readonly connectMs: number;
  /** The initiator's transport-replace, before the responder proposes one itself. */
  readonly fallbackMs: number;
  /** The answer to a transport-replace, and our own making of one. */
  readonly replaceMs: number;
  /** The next byte. */
  readonly idleMs: number;
  /** The checksum that the sender promised, after the last byte. */
  readonly checksumMs: number;
  /** The receiver's session-terminate after the last byte; at the receiver, its own verdict. */
  readonly finishMs: number;
  /** The same, when the receiver has closed its stream or sent `<received/>`. */
  readonly closeMs: number;
  /** The peer's reason, once a stream has broken. */
  readonly reasonMs: number;
  /** Something of a peer that is said to be offline (XEP-0166 §6.7). */
  readonly goneMs: number;
}

export const defaultJingleTimeouts: JingleTimeouts = {
  ackMs: 30_000,
  terminateMs: 10_000,
  prepareMs: 20_000,
  acceptMs: 90_000, // a person may have to click: Psi took 30 s
  queueMs: 3_600_000, // a node of ours lets nobody wait for longer than half of it
  decideMs: 60_000,
  connectMs: 30_000,
  fallbackMs: 10_000, // an initiator that falls back does it at once
  replaceMs: 30_000,
  idleMs: 60_000, // a 16 KiB block takes 6 s where a server lets 3 kB/s pass
  checksumMs: 10_000,
  finishMs: 120_000, // what is left in sockets and proxies drains at the receiver's pace, then it verifies
  closeMs: 10_000,
  reasonMs: 3_000, // the reason comes by way of the servers, the end of a socket does not
  goneMs: 10_000, // §6.7 names 5 or 10 seconds
};

/** Who is heard at all: asked before anything of a stanza is read, so that turning somebody away costs next to nothing. */
import type { ShoalError } from '../errors.js';
import type { Jid } from '../stanza/jid.js';

/** `session`: belongs to a session that there may be already. */
export type StanzaKind = 'request' | 'session' | 'message' | 'presence';

export type ScreenVerdict =
  | { readonly type: 'serve' }
  /** No answer at all. */
  | { readonly type: 'ignore' }
  /** Requests alone: this is the answer. */
  | { readonly type: 'refuse'; readonly error: ShoalError };

export interface StanzaScreen {
  /** `what` names the kind of request: what was refused says nothing of others. */
  admit(from: Jid, kind: StanzaKind, what: string): ScreenVerdict;
  /** Whether messages of ours go to this address. */
  mayHear(to: Jid): boolean;
  /** A request was answered with an error. */
  failed(from: Jid, what: string, error: unknown): void;
}

/** What mirrors know of fetching; which engine does it, the node decides. */
import type { Jid } from '../stanza/jid.js';

export interface FetchOrder {
  /** Base64. No other bytes ever get the target's name. */
  readonly sha256: string;
  readonly size: number;
  readonly sources: readonly { readonly jid: Jid; readonly path?: string }[];
  /** Local path of the file to be made; its folder exists. What is there of it from before is continued. */
  readonly target: string;
  /** The time of last change that it gets where that can be done, milliseconds since 1970. */
  readonly modifiedMs?: number;
}

export interface Fetcher {
  /** `onProgress` hears how many bytes are there. Rejects with FetchError and AbortedError. */
  fetch(order: FetchOrder, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<void>;
}

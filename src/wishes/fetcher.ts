/** What mirrors know of fetching; which engine does it, the node decides. */
import type { BlockTree } from '../blocks/block-tree.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import type { Jid } from '../stanza/jid.js';

export interface FetchOrder {
  /** Base64. No other bytes ever get the target's name. */
  readonly sha256: string;
  readonly size: number;
  readonly sources: readonly OfferingNode[];
  /** Where more may be found. */
  readonly channels: readonly ChannelAddress[];
  /** Local path of the file to be made; its folder exists. What is there of it from before is continued. */
  readonly target: string;
  /** What status calls it: `share/name`. */
  readonly shownAs: string;
  /** The time of last change that it gets, milliseconds since 1970. */
  readonly modifiedMs?: number;
}

/** Someone who has the file. */
export interface OfferingNode {
  readonly jid: Jid;
  /** `share/folder/name` there, where it was told. */
  readonly path?: string;
  /** What was told of its blocks. */
  readonly tree?: BlockTree;
}

export interface Fetcher {
  /** `onProgress` hears how many bytes are there. Rejects with FetchError and AbortedError. */
  fetch(order: FetchOrder, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<void>;
}

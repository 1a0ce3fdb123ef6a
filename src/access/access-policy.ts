/**
 * Who sees and who may take which file. Every door asks for the view of whoever came, and shows nothing but what
 * that view has: a file that may not be seen is treated as one that is not there, by the same code.
 */
import type { FileEntry } from '../catalogue/file-entry.js';
import type { AccessRule } from '../config/access-options.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import type { BareJid, Jid } from '../stanza/jid.js';

/** Who asks. The address is what the server vouches for, never what a stanza says of itself. */
export interface Asker {
  readonly jid: Jid;
  /** Where it asked, if not us alone; only where it is known to have asked there. */
  readonly through?: ChannelAddress;
}

/** What of a file decides. */
export type RuledFile = Pick<FileEntry, 'share' | 'path' | 'mediaType'>;

/** Of all files below a folder, those that come later too. */
export type FolderVerdict = 'all' | 'none' | 'some';

/** The files as one asker sees them. To be used at once, not kept: rules and askers change. */
export interface View {
  /** Who has the same key sees the same, for as long as the node runs. */
  readonly key: string;
  /** The same as plain data, for other threads. Absent where everything may be seen and taken. */
  readonly rules?: ViewRules;
  maySee(file: RuledFile): boolean;
  /** What may be taken may be seen. */
  mayTake(file: RuledFile): boolean;
  /**
   * Which files below `share/folder`, or in a share, may be seen; of '' which at all. A folder with `some` may hold
   * none that is there: a listing shows it only if it does.
   */
  verdict(folder: string): FolderVerdict;
}

export interface AccessPolicy {
  /** Only looks: who comes through a channel sees what is seen there, this once. */
  viewOf(asker: Asker): View;
  /** It asked there just now, and may come to other doors for what it finds. */
  asked?(asker: BareJid, channel: ChannelAddress): void;
  /** When other rules have begun to hold. Returns what ends it. Without it none ever do. */
  onChange?(listener: () => void): () => void;
}

/**
 * What is answered to `asker`, by the rules that hold at the end of all waits: other rules may hold by then, and other
 * shares be there. Begins again where they do.
 */
export async function byRulesOfNow<T>(
  access: Pick<AccessPolicy, 'viewOf'>,
  asker: Asker,
  answer: (view: View) => Promise<T>,
): Promise<T> {
  for (let view = access.viewOf(asker); ; ) {
    const { key } = view;
    const answered = await answer(view);
    view = access.viewOf(asker);
    if (view.key === key) return answered;
  }
}

/** The rules that one asker falls under, as other threads get them. */
export interface ViewRules {
  readonly key: string;
  /** JSON of {@link FileRule}s: copied from thread to thread with each search, and read once. */
  readonly text: string;
}

/** One of the rules in their order: the first that a file falls under decides. What none is about, nobody sees. */
export type FileRule = Pick<AccessRule, 'what' | 'may'>;

const EVERYTHING: View = {
  key: '',
  maySee: () => true,
  mayTake: () => true,
  verdict: () => 'all',
};

/** Everybody may take everything: for tests, and whoever has no rules. */
export const allowAll: AccessPolicy = { viewOf: () => EVERYTHING };

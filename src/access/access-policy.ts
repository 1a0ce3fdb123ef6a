/**
 * Who sees and who may take which file. Every door asks for the view of whoever came, and shows nothing but what
 * that view has: a file that may not be seen is treated as one that is not there, by the same code.
 */
import type { FileEntry } from '../catalogue/file-entry.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import type { Jid } from '../stanza/jid.js';

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
  viewOf(asker: Asker): View;
}

/** What an asker may do with a file. */
export const Permission = ['see', 'take', 'nothing'] as const;
export type Permission = (typeof Permission)[number];

/** The rules that one asker falls under, in their order; the first that a file falls under decides. Else: nothing. */
export interface ViewRules {
  readonly key: string;
  readonly rules: readonly FileRule[];
}

export interface FileRule {
  /** A file falls under the rule if it is one of these. */
  readonly what: readonly FileSet[];
  readonly may: Permission;
}

export type FileSet =
  /** Files of which the path, or that of a folder that they are in, fits `share/folder/*`; see `path-glob.ts`. */
  | { readonly type: 'path'; readonly glob: string }
  /** In lower case; a subtype of `*` is any. */
  | { readonly type: 'media-type'; readonly mediaType: string };

const EVERYTHING: View = {
  key: '',
  maySee: () => true,
  mayTake: () => true,
  verdict: () => 'all',
};

/** Everybody may take everything: for tests, and whoever has no rules. */
export const allowAll: AccessPolicy = { viewOf: () => EVERYTHING };

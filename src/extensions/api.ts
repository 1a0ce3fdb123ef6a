/**
 * What extensions are written against: `import type { Extension } from 'shoal/extension'`. How it is used is
 * in docs/extensions.md.
 *
 * What is exported here stays as it is within one {@link API_VERSION}; there may come to be more of it. All that
 * hooks are handed is theirs to keep and changes nothing; only what they return does.
 */
import { EXTENSION_API_VERSION } from '../config/extension-module.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { StanzaErrorCondition } from '../stanza/stanza-error.js';
import type { ReasonCondition } from '../stanza/xep0166-jingle.js';

export type { FileCriteria, StringTest } from '../stanza/file-criteria.js';
export type { DateInterval } from '../stanza/xep0082-date-time.js';
export type { Hash } from '../stanza/xep0300-hashes.js';

/** An extension may export the one it is written for, as `apiVersion`; with another the node does not start. */
export const API_VERSION = EXTENSION_API_VERSION;

/** The default export of a module. What it throws stops the start of the node. */
export type Extension = (context: ExtensionContext) => Awaitable<ExtensionHooks>;

export type Awaitable<T> = T | Promise<T>;

/** What a hook returns that lets things go their way. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without `return` is one of them
export type Nothing = undefined | void;

export interface ExtensionContext {
  readonly apiVersion: typeof API_VERSION;
  /** The node's address, as configured. */
  readonly jid: string;
  /** Writes to the node's log, with the extension's name. */
  readonly log: ExtensionLog;
  /** What stands below `config` in the node's configuration; `{}` where nothing does. Frozen. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Makes a path absolute as those of the configuration are: it begins at the folder of that file. */
  resolve(path: string): string;
  /** Aborted when the node stops, or has dropped the extension. */
  readonly signal: AbortSignal;
}

export interface ExtensionLog {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/**
 * What an extension wants to hear of. Extensions are asked in the order of the configuration, and a veto is the end
 * of it. Hooks that return a promise are given `limits.extensionMs`; `signal` aborts when that is over.
 */
export interface ExtensionHooks {
  /** True: what can't be put to it, because it fails or was dropped, counts as vetoed. Default false. */
  readonly required?: boolean;
  /** A stanza that came. The answer must come at once, not as a promise. */
  onStanzaIn?(stanza: Stanza): StanzaVeto | Nothing;
  /** A stanza that is about to go. The same holds. */
  onStanzaOut?(stanza: Stanza): StanzaVeto | Nothing;
  /** Somebody asks for files. Asked before anything is searched. */
  onQuery?(query: Query, signal: AbortSignal): Awaitable<QueryVeto | Narrowing | Nothing>;
  /** What they are about to be told; also where nothing was found. */
  onAnswer?(answer: QueryAnswer, signal: AbortSignal): Awaitable<QueryVeto | ChangedAnswer | Nothing>;
  /** A file is about to be sent. */
  onTransferStart?(transfer: Transfer, signal: AbortSignal): Awaitable<TransferVeto | Nothing>;
  /** Once a second, while bytes move. */
  onTransferProgress?(progress: TransferProgress): Awaitable<void>;
  /** For every transfer whose start the extension was asked about, or would have been, and did not veto. */
  onTransferEnd?(end: TransferEnd): Awaitable<void>;
  /** Files are offered, or no more, since the first scan after the start was over. */
  onFiles?(news: FileNews): Awaitable<void>;
  /** The node stops, or has dropped the extension. All other calls are over. */
  stop?(): Awaitable<void>;
}

export interface Stanza {
  readonly name: 'iq' | 'message' | 'presence';
  readonly type: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly id: string | undefined;
  /** The whole, as XML; made when it is first looked at. */
  readonly text: string;
}

export interface StanzaVeto {
  readonly veto: true;
}

/** A channel: a node of a pubsub service. */
export interface QueryChannel {
  readonly service: string;
  readonly nodeId: string;
}

export interface Query {
  /** Who asked: a full address, or a bare one where a channel tells no more. */
  readonly from: string;
  /** Where it was asked; undefined where we were asked ourselves. */
  readonly channel: QueryChannel | undefined;
  /** As narrowed by the extensions before. Fields are ANDed, the values inside a field ORed. */
  readonly criteria: FileCriteria;
}

export interface QueryVeto {
  /**
   * True: as if nothing had been found. A condition of RFC 6120 §8.3.3: that is told to who asked us directly;
   * on channels nobody is told anything.
   */
  readonly veto: true | StanzaErrorCondition;
  /** With a condition: for people. */
  readonly text?: string;
}

/** Only files that fit these criteria as well. See docs/extensions.md for what can be joined. */
export interface Narrowing {
  readonly narrow: FileCriteria;
}

/** One of our files. */
export interface OurFile {
  readonly name: string;
  /** `share/folder/name`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Last modification, milliseconds since 1970. */
  readonly modifiedMs: number;
  readonly mediaType: string;
  readonly desc: string | undefined;
  /** Base64; undefined where it is not known yet. */
  readonly sha256: string | undefined;
}

export interface QueryAnswer extends Query {
  readonly files: readonly OurFile[];
  /** All matches, also those that are not in this answer. */
  readonly total: number;
}

/** Which of the files are told, in their order. Of each, `desc` may be another; the rest is as it was. */
export interface ChangedAnswer {
  readonly files: readonly OurFile[];
}

export interface Transfer {
  /** Names the transfer in this run of the node. */
  readonly id: string;
  /** The Jingle session; undefined where it is ours and not there yet. */
  readonly sid: string | undefined;
  /** Who gets the file: a full address. */
  readonly peer: string;
  readonly file: OurFile;
  /** The bytes that are wanted. */
  readonly range: { readonly offset: number; readonly length: number };
}

export interface TransferVeto {
  /** True: as if there were no such file. Else what the peer is told, a reason of XEP-0166 §7.4. */
  readonly veto: true | Exclude<ReasonCondition, 'success'>;
  /** With a reason: for people. */
  readonly text?: string;
}

export interface TransferProgress extends Transfer {
  readonly sentBytes: number;
}

export interface TransferEnd extends TransferProgress {
  readonly outcome: 'success' | 'failed';
  /** Why it failed. */
  readonly error: string | undefined;
  readonly durationMs: number;
}

export interface FileNews {
  /** A file that was changed is in both lists. */
  readonly added: readonly OurFile[];
  /** Their full paths. */
  readonly removed: readonly string[];
  /** How many files are in neither list because the extension did not keep up. */
  readonly missed: number;
}

/** What commands ask a running node through its status socket. */
import type { Ban, BanKeeper } from '../access/bans.js';
import { LimitError } from '../errors.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { BareJid } from '../stanza/jid.js';
import type { Explained } from './explained.js';
import type { TransferStatus } from './node-status.js';

export type NodeQuestion =
  /** How it would answer a search. */
  | { readonly ask: 'explain'; readonly criteria: FileCriteria }
  /** Read the configuration anew, and take it over. */
  | { readonly ask: 'reload' }
  /** What goes in and out. The status says it too, but is the whole, and begins the lateness anew. */
  | { readonly ask: 'transfers' }
  /** Whom it keeps away. */
  | { readonly ask: 'bans' }
  | { readonly ask: 'ban'; readonly who: BareJid; readonly forMs?: number; readonly reason?: string }
  /** Whether there was such a ban. */
  | { readonly ask: 'unban'; readonly who: BareJid };

/** What can't be done, in words. */
export interface Refused {
  readonly refused: string;
}

/** Who can answer; a node is one. */
export interface Questioned {
  readonly banKeeper: BanKeeper;
  explain(criteria: FileCriteria, signal: AbortSignal): Promise<Explained>;
  transfers(): readonly TransferStatus[];
}

/** What became of another configuration. */
export type ReloadOutcome =
  /** Of the configuration, what is other than before. */
  | { readonly type: 'reloaded'; readonly changed: readonly string[]; readonly warnings: readonly string[] }
  /** Nothing has changed. */
  | { readonly type: 'refused'; readonly why: readonly string[] };

/** Whoever asks is a command of this version: what it asks has this shape. */
export async function answerOf(
  node: Questioned,
  question: NodeQuestion,
  signal: AbortSignal,
  reload?: () => Promise<ReloadOutcome>,
): Promise<Explained | readonly TransferStatus[] | ReloadOutcome | readonly Ban[] | Ban | Refused | boolean> {
  switch (question.ask) {
    case 'explain':
      return await node.explain(question.criteria, signal);
    case 'transfers':
      return node.transfers();
    case 'reload':
      return (await reload?.()) ?? { type: 'refused', why: ['it has no configuration to read'] };
    case 'bans':
      return node.banKeeper.bans();
    case 'ban':
      return await banned(node.banKeeper, question);
    case 'unban':
      return await node.banKeeper.unban(question.who);
  }
}

async function banned(
  keeper: BanKeeper,
  { who, ...init }: Extract<NodeQuestion, { ask: 'ban' }>,
): Promise<Ban | Refused> {
  try {
    return await keeper.ban(who, init);
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    return { refused: error.message };
  }
}

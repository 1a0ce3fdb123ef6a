/** What commands ask a running node through its status socket. */
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { Explained } from './explained.js';
import type { TransferStatus } from './node-status.js';

export type NodeQuestion =
  /** How it would answer a search. */
  | { readonly ask: 'explain'; readonly criteria: FileCriteria }
  /** Read the configuration anew, and take it over. */
  | { readonly ask: 'reload' }
  /** What goes in and out. The status says it too, but is the whole, and begins the lateness anew. */
  | { readonly ask: 'transfers' };

/** Who can answer; a node is one. */
export interface Questioned {
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
): Promise<Explained | readonly TransferStatus[] | ReloadOutcome> {
  switch (question.ask) {
    case 'explain':
      return await node.explain(question.criteria, signal);
    case 'transfers':
      return node.transfers();
    case 'reload':
      return (await reload?.()) ?? { type: 'refused', why: ['it has no configuration to read'] };
  }
}

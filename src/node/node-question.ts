/** What commands ask a running node through its status socket. */
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { Explained } from './explained.js';
import type { TransferStatus } from './node-status.js';

export type NodeQuestion =
  /** How it would answer a search. */
  | { readonly ask: 'explain'; readonly criteria: FileCriteria }
  /** What goes in and out. The status says it too, but is the whole, and begins the lateness anew. */
  | { readonly ask: 'transfers' };

/** Who can answer; a node is one. */
export interface Questioned {
  explain(criteria: FileCriteria, signal: AbortSignal): Promise<Explained>;
  transfers(): readonly TransferStatus[];
}

/** Whoever asks is a command of this version: what it asks has this shape. */
export async function answerOf(
  node: Questioned,
  question: NodeQuestion,
  signal: AbortSignal,
): Promise<Explained | readonly TransferStatus[]> {
  return question.ask === 'explain' ? await node.explain(question.criteria, signal) : node.transfers();
}

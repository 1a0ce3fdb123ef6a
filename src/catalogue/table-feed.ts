/** What the table of files tells those who follow it; plain data, for messages between threads. */
import type { Growth } from './file-columns.js';

/** All changes of one commit, by slot. A slot is in at most one of `added` and `removed`. */
export interface TableBatch {
  /** One more than that of the batch before. */
  readonly number: number;
  /** Shown from now on. */
  readonly added: Uint32Array;
  /** Shown no more. */
  readonly removed: Uint32Array;
  /** What is to be stored of these is new: they are there, shown or not. */
  readonly touched: Uint32Array;
  /** Not there any more; a number may come again in `touched` of a later batch. */
  readonly dropped: Uint32Array;
  readonly growth: Growth;
}

/** Where following begins. */
export interface TableState {
  readonly number: number;
  /** The number of the last batch that was stored before this run; 0 when nothing was. */
  readonly restored: number;
  /** A bit for each slot that is shown. */
  readonly shown: Uint32Array;
  readonly growth: Growth;
}

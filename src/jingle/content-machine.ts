/**
 * One content of a session as a table: it is proposed and accepted, its transport is agreed
 * (`content-agreement.ts`), carries the bytes and is done with (`content-transfer.ts`). Both
 * directions of bytes are here; `sends` says which one it is.
 *
 * Only the peer's actions are answered `<out-of-order/>` where they have no row. Events of our own
 * side have none where they come too late to matter.
 */
import { defineMachine, type Machine } from '../machine.js';
import { agreementRows } from './content-agreement.js';
import type { ContentEffect, ContentEvent, ContentState } from './content-state.js';
import { transferRows } from './content-transfer.js';
import type { JingleTimeouts } from './timeouts.js';

export const contentMachine: Machine<ContentState, ContentEvent, ContentEffect> = defineMachine(
  'jingle-content',
  [...agreementRows, ...transferRows],
);

/** Which timeout bounds a state. */
export const contentWaits: Readonly<Record<ContentState['type'], keyof JingleTimeouts | undefined>> = {
  preparing: 'prepareMs',
  deciding: 'decideMs',
  ready: undefined, // by the session, which waits for its other contents
  proposed: 'acceptMs',
  connecting: 'connectMs',
  'awaiting-replace': 'fallbackMs',
  replacing: 'replaceMs',
  answering: 'replaceMs',
  moving: 'idleMs',
  telling: undefined, // by the iq
  flushing: 'idleMs',
  checking: 'checksumMs',
  delivered: 'finishMs',
  closing: 'closeMs',
  broken: 'reasonMs',
  draining: 'idleMs',
  done: undefined,
  failed: undefined,
};

/** The states in which a wait starts anew as long as bytes move. */
export function movesBytes(state: ContentState['type']): boolean {
  return state === 'moving' || state === 'flushing' || state === 'draining';
}

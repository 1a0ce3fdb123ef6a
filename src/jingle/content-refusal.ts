/** What a peer may say of a content, and what it is told where that has no place. */
import { StanzaError } from '../stanza/stanza-error.js';
import { jingleError } from '../stanza/xep0166-jingle.js';
import type { ContentEffect } from './content-state.js';

/** Actions on several contents at once, that may have no place in one of them. */
export type ContentAction =
  | 'content-accept'
  | 'content-reject'
  | 'description-info'
  | 'transport-info'
  | 'transport-replace'
  | 'transport-accept'
  | 'transport-reject';

/** Throws the error for the peer that an effect is; others are none. */
export function refuse({ type }: ContentEffect): void {
  if (type === 'tie-break') throw jingleError('tie-break');
  if (type === 'refuse-position') {
    throw new StanzaError('not-acceptable', 'nothing is interrupted that could go on');
  }
}

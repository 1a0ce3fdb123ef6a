/**
 * How good a match is. The score of a document depends on the document and the query alone, not on
 * how rare a word is among the others: a page fetched later continues the order of the one before.
 */
import { caselessWords } from './folding.js';
import { type ChunkQuery, FIELD_BIT, type TextDocument, type WordClause, WordField } from './text-index.js';

/** A word in the name says more than one in a folder that may hold thousands of files. */
const FIELD_WEIGHT: Readonly<Record<WordField, number>> = { name: 4, desc: 2, path: 1, type: 0.5 };
/** Below the least that length leaves of a short name, so that an exact hit comes first however long the name. */
const OTHER_SPELLING = 0.7;
const LENGTH_SHARE = 0.2;
/** A name of so many characters has lost half of what a name can lose for its length. */
const HALF_LENGTH = 24;
const STEPS = 1000; // scores are whole numbers, so that they are the same wherever they are computed

/** How close a term of the index is to the chunk that was asked for, from 0 to 1. */
export function closeness(chunk: ChunkQuery, term: string): number {
  if (chunk.type === 'word') return 1;
  if (chunk.type === 'fuzzy') return term === chunk.term ? 1 : 0.5 / chunk.distance;
  const literal = chunk.pieces.reduce((sum, piece) => sum + piece.length, 0);
  return literal >= term.length ? 1 : 0.5 + (0.3 * literal) / term.length;
}

/** The part of the score that one required clause gives; `fields` are those in which it was found. */
export function clauseScore(
  clause: WordClause,
  document: TextDocument,
  fields: readonly WordField[],
  close: number,
): number {
  let best = 0;
  for (const field of fields) {
    const most = FIELD_WEIGHT[field] * close;
    if (most > best) best = Math.max(best, most * spelling(clause, document[field]));
  }
  return best * clause.boost;
}

/** As {@link clauseScore}, where it is known of every field whether it has the words as they are spelled. */
export function knownScore(found: number, spelled: number, close: number): number {
  let best = 0;
  for (const field of WordField) {
    const bit = FIELD_BIT[field];
    if ((found & bit) === 0) continue;
    const most = FIELD_WEIGHT[field] * close;
    if (most > best) best = Math.max(best, most * ((spelled & bit) === 0 ? OTHER_SPELLING : 1));
  }
  return best;
}

/** 1 where the text has the words with just these diacritics. */
function spelling(clause: WordClause, text: string): number {
  let folded: string | undefined;
  for (const chunk of clause.chunks) {
    if (chunk.type !== 'word') continue;
    folded ??= caselessWords(text);
    if (!folded.includes(chunk.exact)) return OTHER_SPELLING;
  }
  return 1;
}

/** Of names longer than this the score sees no more. */
export const MAX_NAME_LENGTH = 0xffff;

/** The score of a document from the sum over its clauses. */
export function documentScore(sum: number, nameLength: number): number {
  return Math.round(sum * (SHORTNESS[nameLength] ?? shortness(nameLength)) * STEPS);
}

/** For the names that there are: those of most systems have at most 255 characters. */
const SHORTNESS = Float64Array.from({ length: 256 }, (_, length) => shortness(length));

function shortness(nameLength: number): number {
  const length = Math.min(nameLength, MAX_NAME_LENGTH);
  return 1 - (LENGTH_SHARE * length) / (length + HALF_LENGTH);
}

/** The same questions in everybody's words. A peer without a kind of question has none. */
import type { Query, SearchOptions } from 'minisearch';

export interface SearchQuery {
  readonly kind: string;
  readonly ours: string;
  readonly minisearch?: { readonly query: Query; readonly options?: SearchOptions };
  readonly lunr?: string;
  /** What the index alone can't answer: places of words are looked up in the texts. */
  readonly needsTexts?: true;
}

export const QUERIES: readonly SearchQuery[] = [
  { kind: 'rare', ours: 'delmirgan', minisearch: { query: 'delmirgan' }, lunr: '+delmirgan' },
  { kind: 'common', ours: 'music', minisearch: { query: 'music' }, lunr: '+music' },
  {
    kind: 'prefix',
    ours: 'noct*',
    minisearch: { query: 'noct', options: { prefix: true } },
    lunr: '+noct*',
  },
  {
    kind: 'AND',
    ours: 'music flac',
    minisearch: { query: 'music flac', options: { combineWith: 'AND' } },
    lunr: '+music +flac',
  },
  {
    kind: 'NOT',
    ours: 'music -flac',
    minisearch: { query: { combineWith: 'AND_NOT', queries: ['music', 'flac'] } },
    lunr: '+music -flac',
  },
  {
    kind: 'fuzzy',
    ours: 'nocturna~1',
    minisearch: { query: 'nocturna', options: { fuzzy: 1 } },
    lunr: '+nocturna~1',
  },
  { kind: 'phrase', ours: '"winter garden"', needsTexts: true },
  { kind: 'taken apart', ours: 'mp3', minisearch: { query: 'mp3' } },
];

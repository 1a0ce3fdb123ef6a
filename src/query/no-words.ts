/** In place of the text index where no words are asked for. */
import type { TextSearcher } from '../index/text-index.js';
import type { KeptWords } from './followed-table.js';

const searcher: TextSearcher = {
  search() {
    throw new TypeError('no words are kept here');
  },
};

export const noWords: KeptWords = {
  // biome-ignore lint/correctness/useYield: there is nothing to do
  *prepare() {
    return { ids: [] };
  },
  commit() {},
  segments: () => [],
  *adopt() {},
  searcher: () => searcher,
  // biome-ignore lint/correctness/useYield: there is nothing to do
  *maintain() {
    return false;
  },
};

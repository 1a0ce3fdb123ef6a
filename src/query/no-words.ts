/** In place of the text index where no words are asked for. */
import type { TextIndex, TextSearcher } from '../index/text-index.js';

const searcher: TextSearcher = {
  search() {
    throw new TypeError('no words are kept here');
  },
};

export const noWords: TextIndex = {
  // biome-ignore lint/correctness/useYield: there is nothing to do
  *prepare() {
    return { ids: [] };
  },
  commit() {},
  searcher: () => searcher,
  // biome-ignore lint/correctness/useYield: there is nothing to do
  *maintain() {
    return false;
  },
};

/** One state of the files, for one search. */
import type { FileColumns } from '../catalogue/file-columns.js';
import type { SlotSet } from '../columns/slot-set.js';
import type { TextSearcher } from '../index/text-index.js';
import type { SeenFiles } from './seen-files.js';

export interface FileView {
  /** Of every slot in `shown`, all there is to know; whatever else stands there is nobody's business. */
  readonly columns: FileColumns;
  /** The files of this state. It never changes, and nobody may change it: other searches look at it too. */
  readonly shown: SlotSet;
  /** Of the same state. Where no words are kept, it is never asked. */
  readonly words: TextSearcher;
  readonly seen: SeenFiles;
}

/** Runs searches over a catalogue without an engine and without words: in one go, or in slices as short as can be. */
import type { Catalogue } from '../../src/catalogue/catalogue.js';
import { SlotSet } from '../../src/columns/slot-set.js';
import { type Executed, execute } from '../../src/query/execute.js';
import type { FileView } from '../../src/query/file-view.js';
import { noWords } from '../../src/query/no-words.js';
import type { SearchRequest } from '../../src/query/query-engine.js';
import { SeenFiles } from '../../src/query/seen-files.js';
import { finish, hurried, unhurried } from '../support/work.js';

export function viewOf({ table }: Catalogue): FileView {
  const shown = new SlotSet();
  for (const slot of table.shown()) shown.add(slot);
  return { columns: table.columns, shown, words: noWords.searcher(), seen: new SeenFiles(table) };
}

export function executed(request: SearchRequest, view: FileView, pace = unhurried): Executed {
  return finish(execute(request, view, { maxPageEntries: 100_000 }, { ...pace, check: () => undefined }));
}

export function executedInSlices(request: SearchRequest, view: FileView): Executed {
  return executed(request, view, hurried);
}

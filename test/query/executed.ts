/** Runs searches over a catalogue, without an engine: in one go, or in slices as short as can be. */
import type { Catalogue } from '../../src/catalogue/catalogue.js';
import { SlotSet } from '../../src/columns/slot-set.js';
import { PackedTextIndex } from '../../src/index/packed-text-index.js';
import { type Executed, execute } from '../../src/query/execute.js';
import type { FileView } from '../../src/query/file-view.js';
import type { SearchRequest } from '../../src/query/query-engine.js';
import { SearchedSlot } from '../../src/query/searched-slot.js';
import { finish, hurried, unhurried } from '../support/work.js';

export function viewOf({ table }: Catalogue): FileView {
  const { columns } = table;
  const index = new PackedTextIndex();
  const slots = [...table.shown()];
  const source = { document: (slot: number) => new SearchedSlot(columns, slot) };
  index.commit(finish(index.prepare(slots, source, unhurried)), []);
  const shown = new SlotSet();
  for (const slot of slots) shown.add(slot);
  return { columns, shown, words: index.searcher() };
}

export function executed(request: SearchRequest, view: FileView, pace = unhurried): Executed {
  return finish(execute(request, view, { maxPageEntries: 100_000 }, { ...pace, check: () => undefined }));
}

export function executedInSlices(request: SearchRequest, view: FileView): Executed {
  return executed(request, view, hurried);
}

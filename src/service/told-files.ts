/**
 * Files as those are told of who only look around, where extensions decide who is told of what: they are asked as they
 * are about questions, so that nobody sees by browsing what they would not find. Files come once their hashes are known.
 */
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import { type FileEntry, keyOf } from '../catalogue/file-entry.js';
import { toDisplay } from '../catalogue/share-path.js';
import type { Answering } from '../query/answer.js';
import type { Jid } from '../stanza/jid.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';

export interface ToldFilesComponents {
  readonly answerer: Answering;
  readonly catalogue: Pick<ReadonlyCatalogue, 'slotOf'>;
}

/** Says nothing of a file, so that it is for others to say. */
const EVERY_FILE = { sizeMin: 0 } as const;

export class ToldFiles {
  readonly #components: ToldFilesComponents;

  constructor(components: ToldFilesComponents) {
    this.#components = components;
  }

  /** Each as `asker` may be told of it, or undefined. Throws what `Answering` does. */
  async describe(
    asker: Jid,
    entries: readonly FileEntry[],
    hashWaitMs: number,
    signal: AbortSignal,
  ): Promise<(FileDescription | undefined)[]> {
    const { answerer, catalogue } = this.#components;
    const slots = entries.flatMap((entry) => catalogue.slotOf(keyOf(entry)) ?? []);
    const told = new Map<string, FileDescription>();
    const among = Uint32Array.from(slots);
    let after: string | undefined;
    for (let isOver = slots.length === 0; !isOver; ) {
      const page = { max: slots.length, ...(after !== undefined && { after }) };
      const question = { criteria: EVERY_FILE, among, page, hashWaitMs, asker };
      const answer = await answerer.answer(question, signal);
      for (const file of answer.files) told.set(file.path ?? '', file);
      after = answer.page.last;
      isOver = !answer.more || after === undefined;
    }
    return entries.map((entry) => told.get(toDisplay(keyOf(entry))));
  }
}

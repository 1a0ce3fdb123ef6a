/**
 * Links by which what is no Jingle client fetches one file: a browser, a chat client that shows a picture. Who makes
 * them serves them too (`src/http`); doors only hand them out.
 */
import type { Asker } from '../access/access-policy.js';
import type { FileEntry } from '../catalogue/file-entry.js';

export interface LinkMaker {
  /** A link to `file` for `asker` alone, who may take it. Undefined where no link can be made now. */
  linkFor(asker: Asker, file: FileEntry): URL | undefined;
}

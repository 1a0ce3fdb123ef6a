/** Makes links over which one asker fetches one file with what has no Jingle, such as a browser. */
import type { Asker } from '../access/access-policy.js';
import type { FileEntry } from '../catalogue/file-entry.js';

export interface LinkMaker {
  /**
   * A link for this asker alone, which expires by itself. Undefined where links are not configured, the asker may not
   * take the file, or its hash is not known yet.
   */
  linkFor(asker: Asker, file: FileEntry): URL | undefined;
}

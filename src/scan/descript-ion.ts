/**
 * Descriptions of files from `descript.ion`, the 4DOS convention: one line a file,
 *
 *     name description
 *     "a name with spaces" description
 *
 * UTF-8. What follows a U+0004 belongs to the program that wrote it.
 */
export const DESCRIPTION_FILE = 'descript.ion';
/** More than this is no list of descriptions; it bounds what a folder costs at every look. */
export const MAX_DESCRIPTION_FILE_BYTES = 1024 * 1024;
/** In UTF-16 units. A description goes into every answer, and 100 answers into one stanza. */
const MAX_DESCRIPTION_LENGTH = 500;

export function isDescriptionFile(name: string): boolean {
  return name.length === DESCRIPTION_FILE.length && name.toLowerCase() === DESCRIPTION_FILE;
}

/** Descriptions by name. A line that is not of this form says nothing; of two for a name the later holds. */
export function parseDescriptions(content: Uint8Array): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of new TextDecoder().decode(content).split(/\r?\n/)) {
    const match = /^(?:"([^"]+)"|(\S+))[ \t]+(.*)$/su.exec(line);
    const name = match?.[1] ?? match?.[2];
    const text = match?.[3]?.split('\u0004', 1)[0]?.trim() ?? '';
    if (name === undefined || text === '') continue;
    found.set(name, text.slice(0, MAX_DESCRIPTION_LENGTH).toWellFormed());
  }
  return found;
}

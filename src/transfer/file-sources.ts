/** Where a file of ours can be had besides by a request for it: in answers and chats alike. */
import { describeFile } from '../catalogue/file-description.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import { publishedIdOf } from '../catalogue/published-id.js';
import type { Jid } from '../stanza/jid.js';
import type { FileSharingSource } from '../stanza/xep0447-stateless-file-sharing.js';

/** `from`: our address. */
export function fileSourcesOf(from: Jid, entry: FileEntry, link: URL): readonly FileSharingSource[] {
  const id = publishedIdOf(describeFile(entry));
  return [
    { type: 'url', url: link.href },
    ...(id === undefined ? [] : [{ type: 'jinglepub', from, id } as const]),
  ];
}

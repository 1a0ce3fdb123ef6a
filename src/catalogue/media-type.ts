/** Media types by extension, from the IANA list that the `mime` package carries. */
import mime from 'mime';
import { extensionOf } from './share-path.js';

export const UNKNOWN_MEDIA_TYPE = 'application/octet-stream';

/** The media type of a file by its name; {@link UNKNOWN_MEDIA_TYPE} where the extension says nothing. */
export function mediaTypeOf(path: string): string {
  const extension = extensionOf(path);
  if (extension === '') return UNKNOWN_MEDIA_TYPE;
  // A whole name, because `mime` takes a bare word such as `mp3` for an extension.
  return mime.getType(`file.${extension}`) ?? UNKNOWN_MEDIA_TYPE;
}

/** Which bytes a Range header means (RFC 9110 §14.1.2). One range only: whoever asks for several gets everything. */
import type { Range } from '../stanza/xep0234-file-transfer.js';

/** `all` where the header is to be ignored (§14.2), `none` where there are no such bytes. */
export function byteRange(header: string | undefined, size: number): Required<Range> | 'all' | 'none' {
  const match = /^bytes=([0-9]*)-([0-9]*)$/i.exec(header ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return 'all';
  if (first === '') {
    const length = Math.min(Number(last), size);
    if (length > 0) return { offset: size - length, length };
    return Number(last) > 0 ? 'all' : 'none'; // the end of an empty file is all of it
  }
  const offset = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (last !== '' && Number(last) < offset) return 'all'; // not valid
  return offset < size ? { offset, length: end - offset } : 'none';
}

/** Whether an earlier run, or the person, has brought a file already. */
import { AbortedError, messageOf } from '../errors.js';
import { FetchError } from '../transfer/fetch/fetch-request.js';
import { sha256Of, sizeOf } from './local-files.js';

/** What a file has to have; `sha256` in base64. */
export interface KnownContent {
  readonly size: number;
  readonly sha256: string;
}

/** Whether `target` has this content. Throws FetchError where it can't be read, and AbortedError. */
export async function isThere(target: string, known: KnownContent, signal: AbortSignal): Promise<boolean> {
  if ((await sizeOf(target)) !== known.size) return false;
  try {
    return (await sha256Of(target, signal)) === known.sha256;
  } catch (cause) {
    if (signal.aborted) throw new AbortedError('interrupted', { cause });
    throw new FetchError('not-writable', `${target}: what is there can't be read: ${messageOf(cause)}`, {
      cause,
    });
  }
}

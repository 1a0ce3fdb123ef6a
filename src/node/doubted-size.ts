/**
 * Downloads a file by a hash of which several sizes are told, so that all but one are lies: one after the other.
 * What is only said costs a download little; the last is waited for as long as was asked for.
 */
import type { DownloadEvent } from '../transfer/fetch/download-events.js';
import { FetchError, type FetchErrorCode } from '../transfer/fetch/fetch-request.js';
import type { Asker, DownloadOrder } from './asker.js';

/** A download that ends with these may have been of a size that is a lie, or what came of that is in the way. */
const MAY_BE_LIES: readonly FetchErrorCode[] = ['no-source-left', 'hash-mismatch', 'exists'];

/** `orders` differ in size and sources; there is at least one. Ends with `done`. Throws FetchError and AbortedError. */
export async function* downloadDoubted(
  asker: Pick<Asker, 'download'>,
  orders: readonly DownloadOrder[],
  signal?: AbortSignal,
): AsyncGenerator<DownloadEvent> {
  for (const [at, order] of orders.entries()) {
    const isLast = at === orders.length - 1;
    try {
      yield* asker.download(isLast ? order : { ...order, waitMs: 0, isDoubted: true }, signal);
      return;
    } catch (thrown) {
      if (isLast || !(thrown instanceof FetchError) || !MAY_BE_LIES.includes(thrown.code)) throw thrown;
    }
  }
}

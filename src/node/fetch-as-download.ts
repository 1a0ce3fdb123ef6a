/** A fetch from one source after the other, told as a download is. */
import type { DownloadEvent } from '../transfer/fetch/download-events.js';
import type { DownloadRequest } from '../transfer/fetch/download-request.js';
import type { FetchEvent, FetchRequest } from '../transfer/fetch/fetch-request.js';

export async function* fetchAsDownload(
  { file, sources, target, overwrite }: DownloadRequest,
  fetch: (request: FetchRequest) => AsyncIterable<FetchEvent>,
): AsyncGenerator<DownloadEvent> {
  const plain = sources.map(({ jid, path }) => ({ jid, ...(path !== undefined && { path }) }));
  let kept: { readonly jid: (typeof plain)[number]['jid']; readonly keptBytes: number }[] = [];
  for await (const event of fetch({ file, sources: plain, target, overwrite })) {
    if (event.type === 'source') {
      if (event.state === 'receiving') kept = [{ jid: event.jid, keptBytes: file.size }];
      if (event.error !== undefined) yield { type: 'source-failed', jid: event.jid, error: event.error };
    } else if (event.type === 'done') {
      yield { type: 'done', path: event.path, bytes: event.bytes, hash: file.hash, sources: kept };
    } else if (event.type === 'progress') {
      const { receivedBytes, resumedBytes } = event;
      yield {
        type: 'progress',
        totalBytes: file.size,
        receivedBytes,
        settledBytes: receivedBytes,
        resumedBytes,
        wastedBytes: 0,
        bytesPerSecond: 0,
        blockBytes: Math.max(1, file.size),
        there: receivedBytes === 0 ? [] : [{ start: 0, end: receivedBytes }],
        underWay: [],
        sources: [],
      };
    } else yield event;
  }
}

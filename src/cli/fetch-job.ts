/** One file to be fetched: by blocks from everybody where its hash is known, else from one source after the other. */
import type { Clock } from '../clock.js';
import type { Asker } from '../node/asker.js';
import { downloadDoubted } from '../node/doubted-size.js';
import type { Range } from '../stanza/xep0234-file-transfer.js';
import type { Hash } from '../stanza/xep0300-hashes.js';
import type { DownloadEvent } from '../transfer/fetch/download-events.js';
import type { FetchEvent } from '../transfer/fetch/fetch-request.js';
import type { FoundSource } from '../transfer/fetch/range-source.js';
import type { FoundRow } from './found-rows.js';
import { setModified } from './local-files.js';
import type { Audience } from './look-for.js';

export interface FetchJob {
  readonly row: FoundRow;
  /** The hash that was asked for; without, it is the one that the answers tell. */
  readonly hash?: Hash;
  /** The same hash with other sizes: tried in their turn, when nobody can give the row. */
  readonly others?: readonly FoundRow[];
  readonly range?: Range;
  /** Local path; its folder is there. */
  readonly target: string;
  readonly overwrite: 'refuse' | 'replace';
  /** Who is asked for further sources. */
  readonly audience: Audience;
  /** How long to wait in a row for somebody who can give anything. */
  readonly waitMs: number;
}

export interface JobComponents {
  readonly asker: Asker;
  readonly clock: Clock;
}

export type JobEvent = DownloadEvent | FetchEvent;

/** Ends with `done`. Throws FetchError and AbortedError. */
export async function* runJob(
  components: JobComponents,
  job: FetchJob,
  signal: AbortSignal,
): AsyncGenerator<JobEvent> {
  const { asker } = components;
  const { row, others = [], range, target, overwrite, audience, waitMs } = job;
  const hash = job.hash ?? row.hashes.find((each) => each.algo === 'sha-256') ?? row.hashes[0];
  const sources = sourcesOf(row);
  const { size, dateMs } = row;
  if (hash !== undefined && size !== undefined && range === undefined) {
    const orders = [row, ...others].flatMap((each) =>
      each.size === undefined
        ? []
        : [
            {
              file: { hash, size: each.size },
              sources: sourcesOf(each),
              target,
              overwrite,
              audience,
              waitMs,
              ...(each.dateMs !== undefined && { modifiedMs: each.dateMs }),
            },
          ],
    );
    yield* downloadDoubted(components, orders, signal);
    return;
  }
  const file = { name: row.name, ...(hash !== undefined && { hash }), ...(size !== undefined && { size }) };
  const plain = sources.map(({ jid, path }) => ({ jid, ...(path !== undefined && { path }) }));
  const request = { file, sources: plain, target, overwrite, ...(range !== undefined && { range }) };
  yield* asker.fetch(request, signal);
  // One that can't be set costs nobody the file.
  if (dateMs !== undefined && range === undefined) await setModified(target, dateMs).catch(() => undefined);
}

/** Everybody who has it, each once. */
function sourcesOf({ sources }: FoundRow): FoundSource[] {
  const byJid = new Map<string, FoundSource>();
  for (const { jid, path, blocks } of sources) {
    if (byJid.has(jid)) continue;
    byJid.set(jid, {
      jid,
      ...(path !== undefined && { path }),
      ...(blocks !== undefined && { tree: blocks }),
    });
  }
  return [...byJid.values()];
}

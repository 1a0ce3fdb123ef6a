/** Looks for more sources of a file while it is downloaded: asks channels and single nodes by its hash. */
import { Readable } from 'node:stream';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { Jid } from '../stanza/jid.js';
import type { FoundSource, SourceFinder, WantedFile } from '../transfer/fetch/range-source.js';
import type { AskedChannel, Asker, FindRequest, OtherSize } from './asker.js';

export interface Audience {
  readonly channels: readonly AskedChannel[];
  readonly nodes: readonly Jid[];
}

export interface AudienceFinderComponents {
  readonly asker: Pick<Asker, 'find'>;
  readonly log: Log;
  /** Hears of each, each time it is asked for. */
  readonly onOtherSize?: ((found: OtherSize) => void) | undefined;
}

/** Answers come within a second or two; who comes later is heard the next time. */
const WAIT_MS = 5000;
/** A node may have the file under several names, of which one is enough. */
const MAX_COPIES = 10;

export class AudienceFinder implements SourceFinder {
  readonly #components: AudienceFinderComponents;
  readonly #audience: Audience;

  constructor(components: AudienceFinderComponents, audience: Audience) {
    this.#components = components;
    this.#audience = audience;
  }

  /** Never throws: who can't be asked now may be asked the next time. */
  async *find(file: WantedFile, signal: AbortSignal): AsyncGenerator<FoundSource> {
    const { channels, nodes } = this.#audience;
    const question = { criteria: { hash: [file.hash] }, max: MAX_COPIES, waitMs: WAIT_MS };
    const requests: FindRequest[] = [
      ...(channels.length > 0 ? [{ ...question, channels }] : []),
      ...nodes.map((to) => ({ ...question, to, channels: [] })),
    ];
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    const found = new Readable({ objectMode: true, read: () => {} });
    const asked = requests.map((request) => this.#ask(request, file, found, until));
    void Promise.all(asked).then(() => found.push(null)); // none of them rejects
    try {
      for await (const source of found) yield source as FoundSource;
    } finally {
      over.abort();
      await Promise.all(asked);
    }
  }

  /** Each address once; never rejects. */
  async #ask(request: FindRequest, wanted: WantedFile, found: Readable, signal: AbortSignal): Promise<void> {
    const seen = new Set<Jid>();
    try {
      for await (const event of this.#components.asker.find(request, signal)) {
        if (event.type !== 'file') continue;
        const { source, path, size, dateMs, hashes, blocks } = event.file;
        // What a node says of another file it was not asked for.
        const isSame = hashes.some(
          ({ algo, value }) => algo === wanted.hash.algo && value === wanted.hash.value,
        );
        if (seen.has(source.jid) || !isSame || size === undefined) continue;
        seen.add(source.jid);
        const giver: FoundSource = {
          jid: source.jid,
          ...(path !== undefined && { path }),
          ...(blocks !== undefined && { tree: blocks }),
        };
        if (size === wanted.size) found.push(giver);
        else this.#components.onOtherSize?.({ size, ...(dateMs !== undefined && { dateMs }), source: giver });
      }
    } catch (error) {
      if (!signal.aborted)
        this.#components.log.info({ to: request.to, error: messageOf(error) }, 'not asked');
    }
  }
}

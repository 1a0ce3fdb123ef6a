/**
 * Gets the hashes of a file's blocks from a source, page by page, and checks them against the root that its
 * answer named. Nothing of them is given before all of them are right. A page says what a peer likes: what it can make
 * us take is bounded by the tree, whose number of blocks was checked when the answer came.
 */
import {
  BLOCK_HASH_BYTES,
  type BlockList,
  type BlockTree,
  blockListOf,
  isSameTree,
} from '../../blocks/block-tree.js';
import type { Entity } from '../../entity/entity.js';
import { ParseError, TimeoutError } from '../../errors.js';
import { type BlocksPage, blocksPageCodec, blocksRequestCodec } from '../../stanza/block-hashes.js';
import { iqPayload } from '../../stanza/iq.js';
import type { Jid } from '../../stanza/jid.js';
import { StanzaError } from '../../stanza/stanza-error.js';
import { SourceError, type SourceErrorCode, type WantedFile } from './range-source.js';

/** What is the matter with a list. */
export type BlockListFault =
  /** No hashes of blocks can be read from what it sent. */
  | 'malformed'
  /** It speaks of other blocks than its answer did. */
  | 'other-tree'
  /** More hashes than there are blocks. */
  | 'too-long'
  /** Hashes that it had sent before, or others that were not asked for. */
  | 'not-in-order'
  /** A few hashes at a time, without an end. */
  | 'endless'
  /** All of them are there, and they do not have the root. */
  | 'wrong-root';

/** Thrown when a source's list of hashes is not that of the root it named. */
export class BlockListError extends SourceError {
  constructor(
    readonly source: Jid,
    readonly fault: BlockListFault,
    message: string,
    options: { cause?: unknown } = {},
  ) {
    super('bad-list', `${source} ${message}`, options);
  }
}

export interface BlockListFetcherComponents {
  readonly entity: Pick<Entity, 'request'>;
}

/** So many hashes are 43 kB of base64: a stanza that every server takes. */
const PAGE_HASHES = 1024;
/** Two are enough; whoever gives less at a time has reasons, or means harm. */
const MAX_PAGES = 16;

export class BlockListFetcher {
  readonly #entity: Pick<Entity, 'request'>;

  constructor(components: BlockListFetcherComponents) {
    this.#entity = components.entity;
  }

  /**
   * The hashes of the blocks of `file` at `source`. Throws {@link BlockListError}, other
   * {@link SourceError}s (`not-available` where it has no list), AbortedError.
   */
  async fetch(source: Jid, file: WantedFile, tree: BlockTree, signal?: AbortSignal): Promise<BlockList> {
    const hashes = new Uint8Array(tree.count * BLOCK_HASH_BYTES);
    if (tree.count === 1) hashes.set(Buffer.from(tree.root, 'base64')); // nobody has to send it
    let count = tree.count === 1 ? 1 : 0;
    for (let pages = 0; count < tree.count; pages += 1) {
      if (pages === MAX_PAGES) {
        throw new BlockListError(
          source,
          'endless',
          `sent ${count} of ${tree.count} block hashes in ${pages} pages`,
        );
      }
      const page = await this.#page(source, file, count, signal);
      checkPage(source, page, tree, count);
      hashes.set(page.hashes, count * BLOCK_HASH_BYTES);
      count += page.hashes.length / BLOCK_HASH_BYTES;
    }
    const list = blockListOf(tree, file.size, hashes);
    if (list) return list;
    throw new BlockListError(source, 'wrong-root', 'sent block hashes that do not have the root it named');
  }

  async #page(source: Jid, { hash }: WantedFile, from: number, signal?: AbortSignal): Promise<BlocksPage> {
    const page = { max: PAGE_HASHES, ...(from > 0 && { after: `${from - 1}` }) };
    try {
      const payload = blocksRequestCodec.toXml({ hash, page });
      const result = await this.#entity.request({
        to: source,
        type: 'get',
        payload,
        ...(signal && { signal }),
      });
      const answer = iqPayload(result);
      if (answer === undefined) throw new ParseError('an empty answer', { field: 'blocks' });
      return blocksPageCodec.fromXml(answer);
    } catch (error) {
      throw failureOf(source, error);
    }
  }
}

function checkPage(source: Jid, { tree, hashes, page }: BlocksPage, wanted: BlockTree, from: number): void {
  if (!isSameTree(tree, wanted)) {
    throw new BlockListError(source, 'other-tree', 'has other block hashes now than those it told of');
  }
  if (page.index !== undefined && page.index !== from) {
    throw new BlockListError(
      source,
      'not-in-order',
      `sent block hashes from ${page.index} on in place of ${from}`,
    );
  }
  const got = hashes.length / BLOCK_HASH_BYTES;
  if (got === 0) throw new BlockListError(source, 'endless', `has no block hashes from ${from} on`);
  if (from + got > wanted.count) {
    throw new BlockListError(
      source,
      'too-long',
      `sent more block hashes than there are blocks: ${from + got}`,
    );
  }
}

const CODES: Readonly<Partial<Record<string, SourceErrorCode>>> = {
  'item-not-found': 'not-available',
  'service-unavailable': 'not-available', // what knows nothing of block hashes answers so
  'feature-not-implemented': 'not-available',
  'resource-constraint': 'busy',
  'recipient-unavailable': 'unreachable',
  'remote-server-not-found': 'unreachable',
  'remote-server-timeout': 'unreachable',
};

function failureOf(source: Jid, error: unknown): unknown {
  if (error instanceof ParseError) {
    return new BlockListError(source, 'malformed', `sent no list of block hashes: ${error.message}`, {
      cause: error,
    });
  }
  if (error instanceof TimeoutError) {
    return new SourceError('silent', `${source} did not answer for its block hashes`, { cause: error });
  }
  if (error instanceof StanzaError) {
    const code = CODES[error.condition] ?? 'refused';
    return new SourceError(code, `${source} gives no block hashes: ${error.message}`, { cause: error });
  }
  return error;
}

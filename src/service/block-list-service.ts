/**
 * Gives the hashes of a file's blocks by iq, in pages (docs/protocol.md, "Block hashes"). A file that is not offered,
 * one that the asker may not take, and one whose blocks nobody has hashed look the same.
 */
import type { AccessPolicy } from '../access/access-policy.js';
import type { BlockListBudget } from '../access/block-list-budget.js';
import { blockBytesOf, MIN_BLOCK_BYTES } from '../blocks/block-size.js';
import { BLOCK_HASH_BYTES, type BlockList, blockListOf, treeOfOneBlock } from '../blocks/block-tree.js';
import type { BlockLists } from '../catalogue/block-list-store.js';
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import type { Entity, IqHandler, Unsubscribe } from '../entity/entity.js';
import { ParseError } from '../errors.js';
import type { Answering } from '../query/answer.js';
import { BlocksElement, blocksPageCodec, blocksRequestCodec } from '../stanza/block-hashes.js';
import { bareOf, type Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import type { PageRequest } from '../stanza/xep0059-rsm.js';
import type { Startable } from '../startable.js';

export interface BlockListServiceComponents {
  readonly entity: Entity;
  readonly catalogue: Pick<ReadonlyCatalogue, 'table'>;
  readonly lists: BlockLists;
  readonly budget: BlockListBudget;
  readonly access: AccessPolicy;
  /** Where others decide too who may see what: whoever finds the file by its hash may have its blocks. */
  readonly answerer?: Answering;
}

/** 43 kB of base64: with what stands around them, a stanza that every server takes. */
const MAX_PAGE_HASHES = 1024;
/** Of files with the same content, so many are looked at for one that is offered. */
const MAX_COPIES = 1000;

export class BlockListService implements Startable {
  readonly #components: BlockListServiceComponents;
  #registration: Unsubscribe | undefined;

  constructor(components: BlockListServiceComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { name, ns } = BlocksElement;
    this.#registration = this.#components.entity.handleIq('get', name, ns, this.#page);
  }

  async stop(): Promise<void> {
    this.#registration?.();
  }

  readonly #page: IqHandler = async (iq, signal) => {
    const { hash, page } = blocksRequestCodec.fromXml(iq.payload);
    const from = firstOf(page);
    this.#components.budget.charge(bareOf(iq.from));
    const isSeen = hash.algo === 'sha-256' && (await this.#isSeen(hash.value, iq.from, signal));
    const list = isSeen ? await this.#listOf(hash.value, iq.from) : undefined;
    if (list === undefined) throw new StanzaError('item-not-found');
    // XEP-0059 §2.4: who is asked for the page at an item that is not there.
    if (from > list.count) throw new StanzaError('item-not-found', 'there is no such block');
    const end = Math.min(list.count, from + Math.min(page.max ?? MAX_PAGE_HASHES, MAX_PAGE_HASHES));
    const { algo, blockBytes, count, root } = list;
    return blocksPageCodec.toXml({
      tree: { algo, blockBytes, count, root },
      hashes: list.hashes.subarray(from * BLOCK_HASH_BYTES, end * BLOCK_HASH_BYTES),
      page: { ...(end > from && { first: `${from}`, index: from, last: `${end - 1}` }), count },
    });
  };

  async #isSeen(value: string, asker: Jid, signal: AbortSignal): Promise<boolean> {
    const { answerer } = this.#components;
    if (answerer === undefined) return true;
    const criteria = { hash: [{ algo: 'sha-256', value }] } as const;
    const answer = await answerer.answer({ criteria, page: { max: 1 }, hashWaitMs: 0, asker }, signal);
    return answer.files.length > 0;
  }

  async #listOf(sha256: string, asker: Jid): Promise<BlockList | undefined> {
    const { access, catalogue } = this.#components;
    const { table } = catalogue;
    const view = access.viewOf({ jid: asker });
    const slot = table
      .withHash(sha256, MAX_COPIES)
      .find((each) => table.isShown(each) && view.mayTake(table.columns.entryOf(each)));
    if (slot === undefined) return undefined;
    const fileBytes = table.columns.size.get(slot);
    if (fileBytes > MIN_BLOCK_BYTES) return await this.#components.lists.listOf(sha256);
    const tree = treeOfOneBlock(sha256, blockBytesOf(fileBytes));
    return blockListOf(tree, fileBytes, Buffer.from(sha256, 'base64'));
  }
}

/** The number of the first block of a page. Cursors are numbers, so that an asker may begin anywhere. */
function firstOf({ after }: PageRequest): number {
  if (after === undefined) return 0;
  if (!/^[0-9]{1,4}$/.test(after))
    throw new ParseError('<after/> is the number of a block', { field: 'after' });
  return Number(after) + 1;
}

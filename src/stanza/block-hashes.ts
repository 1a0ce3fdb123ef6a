/**
 * `<blocks/>` of urn:xmpp:tmp:file-discovery:0 (docs/protocol.md, "Block hashes"): in a `<file/>` what
 * stands for the hashes of a file's blocks, in an iq the question for them and a page of them.
 */
import { isBlockBytes, MAX_BLOCKS } from '../blocks/block-size.js';
import { BLOCK_HASH_BYTES, type BlockTree } from '../blocks/block-tree.js';
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { type PageRequest, type PageResult, pageRequestCodec, pageResultCodec } from './xep0059-rsm.js';
import { type Hash, hashCodec, parseHash } from './xep0300-hashes.js';
import { attribute, child, children, type Element, is, parseCount, requiredAttribute, xml } from './xml.js';

/** The one function there is. What names another is left unread where that is allowed. */
const ALGO = 'sha-256';

/** A question for the hashes of a file's blocks. */
export interface BlocksRequest {
  /** Of the whole file. */
  readonly hash: Hash;
  /** Cursors are numbers of blocks. */
  readonly page: PageRequest;
}

/** Some of the hashes of a file's blocks, which nobody has checked. */
export interface BlocksPage {
  readonly tree: BlockTree;
  /** One after another, {@link BLOCK_HASH_BYTES} each. */
  readonly hashes: Uint8Array;
  readonly page: PageResult;
}

export const BlocksElement = { name: 'blocks', ns: NS.find } as const;

/** As it stands in a `<file/>`. */
export const blockTreeCodec: Codec<BlockTree> = {
  fromXml: treeFromXml,
  toXml: (tree) => xml('blocks', treeAttributes(tree)),
};

/** The `<blocks/>` of a `<file/>`; undefined where there is none that we understand. */
export function blockTreeIn(file: Element): BlockTree | undefined {
  const element = children(file, 'blocks', NS.find).find((each) => attribute(each, 'algo') === ALGO);
  return element && treeFromXml(element);
}

export const blocksRequestCodec: Codec<BlocksRequest> = {
  fromXml(element) {
    expectBlocks(element);
    const hash = child(element, 'hash', NS.hashes2);
    if (hash === undefined) throw new ParseError('<blocks/> needs a <hash/>', { field: 'hash' });
    const set = child(element, 'set', NS.rsm);
    const page = set ? pageRequestCodec.fromXml(set) : {};
    if (page.before !== undefined) {
      throw new ParseError('hashes of blocks are asked for by <after/>', { field: 'before' });
    }
    return { hash: hashCodec.fromXml(hash), page };
  },
  toXml: ({ hash, page }) =>
    xml(
      'blocks',
      { xmlns: NS.find },
      hashCodec.toXml(hash),
      Object.keys(page).length > 0 && pageRequestCodec.toXml(page),
    ),
};

export const blocksPageCodec: Codec<BlocksPage> = {
  fromXml(element) {
    const tree = treeFromXml(element);
    const list = child(element, 'list', NS.find);
    if (list === undefined) throw new ParseError('<blocks/> needs a <list/>', { field: 'list' });
    const set = child(element, 'set', NS.rsm);
    return { tree, hashes: parseList(list.getText()), page: set ? pageResultCodec.fromXml(set) : {} };
  },
  toXml: ({ tree, hashes, page }) =>
    xml(
      'blocks',
      treeAttributes(tree),
      xml('list', {}, Buffer.from(hashes).toString('base64')),
      Object.keys(page).length > 0 && pageResultCodec.toXml(page),
    ),
};

function treeFromXml(element: Element): BlockTree {
  expectBlocks(element);
  const algo = requiredAttribute(element, 'algo');
  if (algo !== ALGO) throw new ParseError(`'algo' must be ${ALGO}`, { field: 'algo' });
  const blockBytes = parseCount(requiredAttribute(element, 'size'), 'size');
  if (!isBlockBytes(blockBytes)) {
    throw new ParseError("'size' must be a power of two from 262144 on", { field: 'size' });
  }
  const count = parseCount(requiredAttribute(element, 'count'), 'count');
  if (count < 1 || count > MAX_BLOCKS) {
    throw new ParseError(`'count' must be from 1 to ${MAX_BLOCKS}`, { field: 'count' });
  }
  return { algo, blockBytes, count, root: parseHash(algo, requiredAttribute(element, 'root'), 'root').value };
}

function treeAttributes({ algo, blockBytes, count, root }: BlockTree) {
  return { xmlns: NS.find, algo, size: blockBytes, count, root };
}

function parseList(text: string): Uint8Array {
  const hashes = Buffer.from(text, 'base64');
  const given = text.replace(/\s+/g, '');
  if (hashes.toString('base64') !== given || hashes.length % BLOCK_HASH_BYTES !== 0) {
    throw new ParseError(`<list/> must be base64 of hashes of ${BLOCK_HASH_BYTES} bytes`, { field: 'list' });
  }
  if (hashes.length > MAX_BLOCKS * BLOCK_HASH_BYTES) {
    throw new ParseError(`<list/> holds more than ${MAX_BLOCKS} hashes`, { field: 'list' });
  }
  return new Uint8Array(hashes);
}

function expectBlocks(element: Element): void {
  if (!is(element, 'blocks', NS.find)) throw new ParseError('not a <blocks/>', { field: 'blocks' });
}

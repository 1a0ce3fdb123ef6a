/** Random rules over random files at every door: nobody sees or gets what the rules keep from them, or misses what they don't. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Asker } from '../../src/access/access-policy.js';
import { RuleBook } from '../../src/access/rule-book.js';
import { type FileEntry, keyOf } from '../../src/catalogue/file-entry.js';
import { parentOf, toDisplay } from '../../src/catalogue/share-path.js';
import type { AccessRule } from '../../src/config/access-options.js';
import type { ChannelAddress } from '../../src/stanza/file-discovery.js';
import { bareOf, isFull } from '../../src/stanza/jid.js';
import { askers, type KnownAsker, permissionOf, ruledFiles, ruleLists } from '../support/access-oracle.js';
import { Doors } from '../support/doors.js';
import { MemoryFiles } from '../support/memory-files.js';
import { VirtualClock } from '../support/virtual-clock.js';

const CASES = 100_000;
const RULES_A_TREE = 20;
const ASKERS_A_LIST = 5;
/** A case is one asker at one door, with one list of rules over one tree. */
const DOORS = 21;
const TREES = Math.ceil(CASES / (RULES_A_TREE * ASKERS_A_LIST * DOORS));
/** Few, so that some files are the same. */
const CONTENTS = ['a', 'b', 'c', 'd'].map((text) => Buffer.from(text));

const trees = fc
  .uniqueArray(ruledFiles, { minLength: 1, maxLength: 8, selector: ({ share, path }) => `${share}/${path}` })
  .map((files) =>
    // What is a file is no folder.
    files.filter(({ share, path }) =>
      files.every((other) => other.share !== share || !other.path.startsWith(`${path}/`)),
    ),
  );
const cases = fc.array(
  fc.tuple(ruleLists, fc.array(askers, { minLength: ASKERS_A_LIST, maxLength: ASKERS_A_LIST })),
  { minLength: RULES_A_TREE, maxLength: RULES_A_TREE },
);

/** One node with one tree of files, under rules that change. */
class Node {
  readonly #files = new MemoryFiles();
  readonly #entries: readonly FileEntry[];
  readonly #clock = new VirtualClock();
  #groups: readonly string[] = [];
  readonly #book = new RuleBook(
    { clock: this.#clock, groups: { isIn: (_contact, group) => this.#groups.includes(group) } },
    { rules: [] },
  );
  readonly doors: Doors;
  /** Those that were made first, whatever rules have held since. */
  readonly #links = new Map<string, string>();
  /** Where each has asked so far. */
  readonly #asked = new Map<string, Set<ChannelAddress>>();

  constructor(tree: readonly Pick<FileEntry, 'share' | 'path' | 'mediaType'>[]) {
    this.#entries = tree.map(({ path, ...rest }, at) =>
      this.#files.offer(path, CONTENTS[at % CONTENTS.length] ?? Buffer.from(''), rest),
    );
    const { catalogue } = this.#files;
    this.doors = new Doors({ access: this.#book, catalogue, files: this.#files, clock: this.#clock });
  }

  hold(rules: readonly AccessRule[]): void {
    this.#book.replace({ rules });
  }

  /** The asker at each of the doors; returns how many those were. */
  async tryAll(
    rules: readonly AccessRule[],
    { jid, groups, channels: [channel] }: KnownAsker,
  ): Promise<number> {
    const { doors } = this;
    this.#groups = groups;
    const asked = this.#asked.get(bareOf(jid)) ?? new Set();
    this.#asked.set(bareOf(jid), asked);
    if (channel) asked.add(channel);
    const find = { sizeMin: 0 };
    const onChannel = channel ? await doors.findOn(channel, jid, find) : undefined;
    const known = { jid, groups, channels: [...asked] };
    const may = (entry: FileEntry) => permissionOf(rules, known, entry);
    const seen = this.#entries.filter((entry) => may(entry) !== 'nothing');
    const taken = new Set(this.#entries.filter((entry) => may(entry) === 'take'));
    const paths = (entries: Iterable<FileEntry>) =>
      [...entries].map((entry) => toDisplay(keyOf(entry))).sort();
    const expected = paths(seen);

    assert.deepEqual((onChannel ?? expected).sort(), expected, 'a question on a channel');
    assert.deepEqual((await doors.find(jid, find)).sort(), expected, 'a direct question');
    assert.deepEqual((await doors.walk(jid)).sort(), expected, 'a walk');
    for (const entry of this.#entries) {
      const path = toDisplay(keyOf(entry));
      const refusals: Error[] = [];
      const check = (door: string, given: unknown, isAllowed: boolean) => {
        if (given instanceof Error) refusals.push(given);
        // Names that look alike may mean each other; never one that is forbidden.
        assert.equal(!(given instanceof Error), isAllowed, `${door}: ${path}`);
      };
      const alike = (entries: Iterable<FileEntry>) => paths(entries).includes(path);
      check('details', await doors.look(jid, path), alike(seen));
      check('an offer asked for', await doors.takeable(jid, path), taken.has(entry));
      check('by name', await doors.request(jid, { path }), alike(taken));
      check('offered', await doors.offer(jid, entry), taken.has(entry));
      const { sha256 = '' } = entry;
      const copies = [...taken].filter((each) => each.sha256 === sha256);
      check('blocks', await doors.blocks(jid, sha256), copies.length > 0);
      const hashes = [{ algo: 'sha-256', value: sha256 }] as const;
      const byHash = await doors.request(jid, { hashes });
      check('by hash', byHash, copies.length > 0);
      if (typeof byHash === 'string') assert.ok(paths(copies).includes(byHash), byHash);
    }
    await this.#tryClients({ jid, ...(channel && { through: channel }) }, expected, taken);
    return DOORS;
  }

  /** The doors for clients that know nothing of ours. */
  async #tryClients(asker: Asker, expected: readonly string[], taken: ReadonlySet<FileEntry>): Promise<void> {
    const { jid } = asker;
    const { clients } = this.doors;
    const mayChat = jid.includes('@'); // what comes from servers is no person's
    assert.deepEqual((await clients.searchWindow(jid)).sort(), expected, 'a search window');
    assert.deepEqual((await clients.discoWalk(jid)).sort(), expected, 'a walk by disco');
    if (isFull(jid)) assert.deepEqual((await clients.tree(jid)).sort(), expected, 'a tree');
    assert.deepEqual((await clients.folderWalk(jid)).sort(), expected, 'the items of folders');
    assert.deepEqual((await clients.findCommand(jid)).sort(), expected, 'a command to find');
    assert.deepEqual((await clients.browseCommand(jid)).sort(), expected, 'a command to browse');
    if (mayChat) {
      assert.deepEqual((await clients.chatBrowse(jid)).sort(), expected, 'folders in a chat');
      for (const path of await clients.chatFind(jid, 'a')) assert.ok(expected.includes(path), path);
    }
    for (const entry of this.#entries) {
      const path = toDisplay(keyOf(entry));
      const { sha256 = '' } = entry;
      const slash = path.lastIndexOf('/');
      const copies = [...taken].filter((each) => each.sha256 === sha256);
      const isSeen = expected.includes(path);
      const isTaken = [...taken].some((each) => toDisplay(keyOf(each)) === path);
      const check = (door: string, given: string | Error, isAllowed: boolean) =>
        assert.equal(!(given instanceof Error), isAllowed, `${door}: ${path}: ${given}`);
      check('details by disco', await clients.details(jid, `files/${path}`), isSeen);
      check('an item', await clients.item(jid, path.slice(0, slash), path.slice(slash + 1)), isSeen);
      check('retrieved', await clients.retrieve(jid, path), isTaken && isFull(jid));
      check('published', await clients.published(jid, `sha-256:${sha256}`), copies.length > 0);
      if (mayChat) check('in a chat', await clients.chatGet(jid, path), isTaken);
      const link = clients.links.linkFor(asker, entry);
      assert.equal(link !== undefined, taken.has(entry), `a link: ${path}`);
      const key = `${bareOf(jid)}\n${keyOf(entry)}`;
      if (link && !this.#links.has(key)) this.#links.set(key, link.pathname);
      const kept = this.#links.get(key);
      if (kept) check('a link', await clients.follow(kept), taken.has(entry));
    }
  }

  /** Whoever once subscribed to all folders hears of all files anew. */
  async tryNews(rules: readonly AccessRule[], askers: readonly KnownAsker[]): Promise<void> {
    const { clients } = this.doors;
    const { catalogue } = this.#files;
    clients.news.clear();
    this.#groups = [];
    for (const { jid } of askers)
      for (const entry of this.#entries)
        clients.subscriptions.add(parentOf(toDisplay(keyOf(entry))), bareOf(jid));
    catalogue.apply(this.#entries.map((entry) => ({ type: 'remove', key: keyOf(entry) })));
    catalogue.apply(this.#entries.map((entry) => ({ type: 'put', entry })));
    await this.#clock.advance(2000);
    for (const jid of new Set(askers.map((each) => bareOf(each.jid)))) {
      const heard = clients.news.get(jid) ?? [];
      const known = { jid, groups: [], channels: [...(this.#asked.get(jid) ?? [])] };
      const seen = this.#entries.filter((entry) => permissionOf(rules, known, entry) !== 'nothing');
      const expected = seen.map((entry) => `+${toDisplay(keyOf(entry))}`).sort();
      assert.deepEqual([...heard].sort(), expected, `news to ${jid}`);
    }
  }
}

describe('every door', function () {
  this.timeout(120_000);

  it('shows and gives as the rules have it, and nothing else', async () => {
    let tried = 0;
    await fc.assert(
      fc.asyncProperty(trees, cases, async (tree, lists) => {
        const node = new Node(tree);
        await node.doors.start();
        try {
          for (const [rules, each] of lists) {
            node.hold(rules);
            for (const asker of each) tried += await node.tryAll(rules, asker);
            await node.tryNews(rules, each);
          }
        } finally {
          await node.doors.stop();
        }
      }),
      { numRuns: TREES, endOnFailure: true },
    );
    assert.ok(tried >= CASES, `${tried}`);
  });
});

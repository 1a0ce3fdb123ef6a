/** What is forbidden and what is not there: the same answer, and no sooner or later. */
import assert from 'node:assert/strict';
import { RuleBook } from '../../src/access/rule-book.js';
import { publishedIdOf } from '../../src/catalogue/published-id.js';
import type { ShareRelativePath } from '../../src/catalogue/share-path.js';
import { EVERY_FILE } from '../../src/config/access-options.js';
import { parseJid } from '../../src/stanza/jid.js';
import { folderNodeId } from '../../src/stanza/xep0498-pubsub-file-sharing.js';
import { Doors } from '../support/doors.js';
import { MemoryFiles, sha256 } from '../support/memory-files.js';
import { VirtualClock } from '../support/virtual-clock.js';

const STRANGER = parseJid('tybalt@example.com/street');
const FILES = 3000;
const ROUNDS = 150;
/** Far above the noise of a busy machine around what takes some 100 µs; far below the opening of a file or a wait. */
const MAX_RATIO = 3;
const SAME_US = 100;

/** A question about one file, there or not, at each door. */
type Question = (
  doors: Doors,
  file: { readonly path: string; readonly word: string; readonly hash: string },
) => Promise<unknown>;

const QUESTIONS: Readonly<Record<string, Question>> = {
  'a search for a word': (doors, { word }) => doors.find(STRANGER, { text: [word] }),
  'a search for a hash': (doors, { hash }) =>
    doors.find(STRANGER, { hash: [{ algo: 'sha-256', value: hash }] }),
  'a search for a part of a name': (doors, { word }) =>
    doors.find(STRANGER, { name: [{ type: 'contains', value: word }] }),
  'a look at a file': (doors, { path }) => doors.look(STRANGER, path),
  'a look into a folder': (doors, { path }) => doors.look(STRANGER, folderOf(path)),
  'an offer asked for': (doors, { path }) => doors.takeable(STRANGER, path),
  'a request by path': (doors, { path }) => doors.request(STRANGER, { path }),
  'a request by hash': (doors, { hash }) =>
    doors.request(STRANGER, { hashes: [{ algo: 'sha-256', value: hash }] }),
  'the hashes of blocks': (doors, { hash }) => doors.blocks(STRANGER, hash),
  'details by disco': ({ clients }, { path }) => clients.details(STRANGER, `files/${path}`),
  'a folder by disco': ({ clients }, { path }) => clients.details(STRANGER, `files/${folderOf(path)}`),
  'a node of a folder': ({ clients }, { path }) =>
    clients.details(STRANGER, folderNodeId(folderOf(path)) ?? ''),
  'an item of a node': ({ clients }, { path }) =>
    clients.item(STRANGER, folderOf(path), path.slice(path.lastIndexOf('/') + 1)),
  'a <retrieve/>': ({ clients }, { path }) => clients.retrieve(STRANGER, path),
  'a <start/> by hash': ({ clients }, { hash }) => clients.published(STRANGER, `sha-256:${hash}`),
  'a <start/> by path': ({ clients }, { path }) =>
    clients.published(STRANGER, publishedIdOf({ hashes: [], path }) ?? ''),
  'words in a chat': async ({ clients }, { word }) =>
    (await clients.say(STRANGER, `find ${word}`)).replace(word, 'WORD'),
  'a folder in a chat': ({ clients }, { path }) => clients.say(STRANGER, `browse ${folderOf(path)}`),
  'a file in a chat': async ({ clients }, { path }) =>
    (await clients.say(STRANGER, `get ${path}`)).replace(path, 'PATH'),
};

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

describe('what is forbidden', function () {
  this.timeout(60_000);
  let files: MemoryFiles;
  let doors: Doors;
  const forbidden = {
    path: 'books/private 7/verona.pdf',
    word: 'verona',
    hash: sha256(Buffer.from('verona')),
  };
  const absent = { path: 'books/private 8/mantua.pdf', word: 'mantua', hash: sha256(Buffer.from('mantua')) };

  before(async () => {
    files = new MemoryFiles();
    const share = 'books';
    for (let at = 0; at < FILES; at += 1)
      files.offer(`${at % 50}/text ${at}.txt`, Buffer.from(`${at}`), { share });
    files.offer(forbidden.path.slice(6) as ShareRelativePath, Buffer.from('verona'), { share });
    const clock = new VirtualClock();
    const who = [{ type: 'everyone' as const }];
    const rules = [
      { who, what: [{ type: 'path' as const, glob: 'books/private ?' }], may: 'nothing' as const },
      { who, what: EVERY_FILE, may: 'take' as const },
    ];
    doors = new Doors({
      access: new RuleBook({ clock }, { rules }),
      catalogue: files.catalogue,
      files,
      clock,
    });
    await doors.start();
    await doors.engine.settled();
  });
  after(() => doors.stop());

  for (const [name, ask] of Object.entries(QUESTIONS)) {
    it(`is as what is not there: ${name}`, async () => {
      const shown = (answer: unknown) =>
        answer instanceof Error ? `${answer.name}: ${answer.message}` : answer;
      assert.deepEqual(shown(await ask(doors, forbidden)), shown(await ask(doors, absent)));
      const took = { forbidden: [] as number[], absent: [] as number[] };
      for (let round = 0; round < ROUNDS; round += 1) {
        // In turn, so that whatever else the machine does meets both.
        for (const [which, file] of round % 2 === 0
          ? ([
              ['forbidden', forbidden],
              ['absent', absent],
            ] as const)
          : ([
              ['absent', absent],
              ['forbidden', forbidden],
            ] as const)) {
          const from = process.hrtime.bigint();
          await ask(doors, file);
          took[which].push(Number(process.hrtime.bigint() - from) / 1000);
        }
      }
      const [one, other] = [median(took.forbidden), median(took.absent)];
      const isSame =
        Math.abs(one - other) < SAME_US || Math.max(one, other) / Math.min(one, other) < MAX_RATIO;
      assert.ok(
        isSame,
        `${one.toFixed(0)} µs where it is forbidden, ${other.toFixed(0)} µs where it is not there`,
      );
    });
  }
});

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

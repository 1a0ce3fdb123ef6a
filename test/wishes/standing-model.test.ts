/**
 * Standing questions under any sequence of files that come, go and get their hashes, of questions that come and are renewed, and of
 * lost connections: whoever asked before a file came, and is there, hears of it.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CatalogueChange, FileEntry } from '../../src/catalogue/file-entry.js';
import { FileDiscoveryElement, foundCodec } from '../../src/stanza/file-discovery.js';
import { parseJid } from '../../src/stanza/jid.js';
import { wantCodec } from '../../src/stanza/standing-question.js';
import { child } from '../../src/stanza/xml.js';
import { entry, World } from '../channel/channel-world.js';
import { eventually } from '../support/eventually.js';

const NODE = parseJid('one.example.org');
const HOUR_MS = 3_600_000;
const WORDS = ['romeo', 'juliet', 'hamlet'] as const;
const FILES = 600;

type Step =
  | { readonly type: 'files'; readonly puts: readonly { readonly file: number; readonly version: number }[] }
  | { readonly type: 'remove'; readonly file: number }
  | { readonly type: 'ask'; readonly word: number }
  | { readonly type: 'wait'; readonly ms: number };

const file = fc.integer({ min: 0, max: FILES - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('files' as const),
      puts: fc.array(fc.record({ file, version: fc.nat(3) }), { minLength: 1, maxLength: 400, size: 'max' }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('remove' as const), file }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('ask' as const), word: fc.nat(2) }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 8000 }) }),
  },
);

const nameOf = (at: number) => `${WORDS[at % 3]} ${at}.txt`;
const contentOf = (at: number, version: number) => Buffer.alloc(32, `${at} ${version} `).toString('base64');
const entryFor = (at: number, version: number): FileEntry => entry(nameOf(at), contentOf(at, version));

describe('standing questions under any sequence of events', function () {
  this.timeout(60_000);

  it('bring every file that comes after them, and none that was not asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
        const world = new World();
        world.deadlineMs = 24 * HOUR_MS;
        await world.start();
        try {
          await check(world, steps);
        } finally {
          await world.stop();
        }
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });
});

async function check(world: World, steps: readonly Step[]): Promise<void> {
  const node = await world.node(NODE, [], {}, {});
  const { entity } = await world.asker('hag66@example.org/pda');
  /** By the word that was asked for: the hashes that were told. */
  const told = new Map<string, Set<string>>();
  entity.handleMessage(FileDiscoveryElement.found.name, FileDiscoveryElement.found.ns, ({ stanza }) => {
    const element = child(stanza, FileDiscoveryElement.found.name, FileDiscoveryElement.found.ns);
    const found = foundCodec.fromXml(element ?? assert.fail());
    assert.ok(found.news);
    for (const { name = '', hashes } of found.files) {
      assert.ok(name.startsWith(found.id ?? '?'), `${name} was told to who asked for ${found.id}`);
      told.get(found.id ?? '')?.add(hashes[0]?.value ?? '');
    }
  });
  const present = new Map<number, string>();
  /** What is there, and came after the question. */
  const due = new Map<string, Map<number, string>>();

  const come = (at: number, version: number): CatalogueChange => {
    const sha256 = contentOf(at, version);
    if (present.get(at) !== sha256) due.get(WORDS[at % 3] ?? '')?.set(at, sha256);
    present.set(at, sha256);
    return { type: 'put', entry: entryFor(at, version) };
  };

  for (const each of steps) {
    if (each.type === 'wait') await world.clock.advance(each.ms);
    else if (each.type === 'ask') {
      const id = WORDS[each.word] ?? '';
      const criteria = { name: [{ type: 'contains', value: id }] } as const;
      const payload = wantCodec.toXml({ id, untilMs: world.clock.now() + HOUR_MS, criteria });
      await entity.request({ to: NODE, type: 'set', payload });
      if (!told.has(id)) told.set(id, new Set());
      if (!due.has(id)) due.set(id, new Map());
    } else if (each.type === 'remove') {
      present.delete(each.file);
      for (const files of due.values()) files.delete(each.file);
      node.files.catalogue.apply([{ type: 'remove', key: `books/${nameOf(each.file)}` as never }]);
    } else {
      // A file that is changed and changed back at once is what it was.
      const last = new Map(each.puts.map(({ file: at, version }) => [at, version]));
      node.files.catalogue.apply([...last].map(([at, version]) => come(at, version)));
    }
  }
  await eventually(
    async () => {
      await world.clock.advance(1000);
      return [...due].flatMap(([word, files]) =>
        [...files.values()].filter((sha) => !told.get(word)?.has(sha)),
      );
    },
    (missing) => missing.length === 0,
    10_000,
  );
}

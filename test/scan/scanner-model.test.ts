import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { fromBytes, toBytes } from '../../src/catalogue/share-path.js';
import { eventually } from '../support/eventually.js';
import { libraryHarness } from '../support/library-harness.js';

const folders = ['', 'a/', 'a/b/', 'c/', 'c\n/'];
const names = ['x', 'y', 'z\udcff', 'n\nl'];
const path = fc
  .tuple(fc.constantFrom(...folders), fc.constantFrom(...names))
  .map(([folder, name]) => folder + name);
const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('write' as const), path, content: fc.string({ maxLength: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('remove' as const),
      path: fc.oneof(path, fc.constantFrom('a', 'a/b', 'c')),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('rename' as const),
      path: fc.oneof(path, fc.constantFrom('a', 'a/b', 'c')),
      to: fc.oneof(path, fc.constantFrom('a', 'c', 'd')),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Operations that make no sense as things are just fail: a folder in the place of a file, and so on. */
async function carryOut(root: string, each: Operation): Promise<void> {
  const at = (below: string) => toBytes(`${root}/${below}`);
  try {
    if (each.do === 'write') {
      await mkdir(at(each.path.slice(0, each.path.lastIndexOf('/') + 1)), { recursive: true });
      await writeFile(at(each.path), each.content);
    } else if (each.do === 'remove') {
      await rm(at(each.path), { recursive: true });
    } else if (each.do === 'rename') {
      await rename(at(each.path), at(each.to));
    } else {
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error, String(error));
  }
}

describe('the catalogue, after any changes to the folder', () => {
  it('is what find and sha256 say, also after changes while nobody looked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { maxLength: 30 }),
        fc.array(operation, { maxLength: 30 }),
        async (first, second) => {
          let harness = await libraryHarness({ quietMs: 20 }, async (folder) => {
            for (const each of first.slice(0, 5)) await carryOut(folder.path, each);
          });
          const expected = async () => {
            const printed = execFileSync('find', ['.', '-type', 'f', '-print0'], {
              cwd: harness.folder.path,
            });
            const found = fromBytes(printed).split('\0').filter(Boolean);
            const hashes = found.map(async (each) => {
              const content = await readFile(toBytes(`${harness.folder.path}/${each}`));
              return [
                `share/${each.slice(2)}`,
                createHash('sha256').update(content).digest('base64'),
              ] as const;
            });
            return JSON.stringify((await Promise.all(hashes)).sort(byKey));
          };
          const actual = () => {
            const entries = [...harness.library.catalogue.entries()];
            return JSON.stringify(
              entries
                .map(({ share, path: each, sha256 }) => [`${share}/${each}`, sha256] as const)
                .sort(byKey),
            );
          };
          try {
            for (const each of first) await carryOut(harness.folder.path, each);
            const afterFirst = await expected();
            await eventually(actual, (found) => found === afterFirst);
            await harness.stop();
            for (const each of second) await carryOut(harness.folder.path, each);
            harness = await harness.restart();
            const afterSecond = await expected();
            await eventually(actual, (found) => found === afterSecond);
          } finally {
            await harness.cleanUp();
          }
        },
      ),
      { numRuns: 15 },
    );
  }).timeout(60_000);
});

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

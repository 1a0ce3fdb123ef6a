import assert from 'node:assert/strict';
import { FolderTree } from '../../src/scan/folder-tree.js';
import { KnownFolders } from '../../src/scan/known-folders.js';
import { Slices, type Steps } from '../../src/scan/slices.js';

describe('slices', () => {
  const never = new AbortController().signal;

  /** A clock on which every look takes a millisecond. */
  function slices(): Slices {
    let now = 0;
    return new Slices({ clock: { monotonic: () => now++ } });
  }

  function* steps(name: string, count: number, done: string[]): Steps {
    for (let step = 0; step < count; step += 1) {
      done.push(`${name}${step}`);
      yield;
    }
  }

  it('let the event loop go on in the middle of long work, and keep the order of what is handed over', async () => {
    const work = slices();
    const done: string[] = [];
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    count();
    let told = 0;
    const onSlice = () => {
      told += 1;
    };
    const first = work.run(steps('a', 50, done), { onSlice, signal: never });
    await Promise.all([first, work.run(steps('b', 2, done), { signal: never })]);
    isOver = true;
    assert.deepEqual(done.slice(48), ['a48', 'a49', 'b0', 'b1']);
    assert.ok(turns > 10 && told > 10, `${turns} turns, told ${told} times`);
  });

  it('go on with what comes after work that failed or was given up', async () => {
    const work = slices();
    const failing = (function* (): Steps {
      yield;
      throw new Error('broken');
    })();
    const done: string[] = [];
    const failed = work.run(failing, { signal: never });
    const aborted = work.run(steps('a', 1, done), { signal: AbortSignal.abort() });
    const last = work.run(steps('b', 1, done), { signal: never });
    await assert.rejects(failed, /broken/);
    await assert.rejects(aborted, { code: 'aborted' });
    await last;
    assert.deepEqual(done, ['b0']);
  });
});

describe('folder tree', () => {
  it('has the folders above one that is made, and loses all below one that is removed', () => {
    const folders = new KnownFolders();
    const tree = new FolderTree({ folders });
    tree.make('a/b/c');
    tree.make('a/d');
    assert.equal(tree.size, 5);
    const a = tree.get('a');
    assert.ok(a);
    assert.deepEqual([...tree.below(a)].map(([path]) => path).sort(), ['a', 'a/b', 'a/b/c', 'a/d']);
    for (const [, folder] of [...tree.below(a)].reverse()) tree.remove(folder);
    assert.equal(tree.size, 1);
    assert.equal(tree.get('a/b'), undefined);
    assert.equal(folders.hasFolders(tree.make('')), false);
  });
});

import assert from 'node:assert/strict';
import { PartNames } from '../../src/cli/part-names.js';
import { settle } from '../support/virtual-clock.js';

/** Begins them all; says which run, and ends them by name. */
async function begin(targets: readonly string[], foldsCase = false) {
  const names = new PartNames(foldsCase);
  const running = new Map<string, (error?: Error) => void>();
  const all = targets.map((target) =>
    names
      .alone(
        target,
        () =>
          new Promise<void>((resolve, reject) => {
            running.set(target, (error) => (error === undefined ? resolve() : reject(error)));
          }),
      )
      .catch(() => undefined)
      .finally(() => running.delete(target)),
  );
  await settle();
  return {
    running: () => [...running.keys()],
    async end(target: string, error?: Error) {
      running.get(target)?.(error);
      await settle();
    },
    all,
  };
}

describe('names of files that are fetched at the same time', () => {
  it('are needed by one at a time, whichever comes first', async () => {
    for (const targets of [
      ['/x', '/x.part'],
      ['/x.part', '/x'],
      ['/x', '/x.part.blocks'],
      ['/x', '/x.part.json'],
    ]) {
      const { running, end, all } = await begin([...targets, '/y', '/z/x']);
      const [first = '', second = ''] = targets;
      assert.deepEqual(running(), [first, '/y', '/z/x']);
      await end(first, new Error('failed'));
      assert.deepEqual(running().sort(), [second, '/y', '/z/x'].sort());
      for (const target of [second, '/y', '/z/x']) await end(target);
      await Promise.all(all);
    }
  });

  it('are the same in capitals where the disk takes them so', async () => {
    const { running, end, all } = await begin(['/x', '/X.PART'], true);
    assert.deepEqual(running(), ['/x']);
    for (const target of ['/x', '/X.PART']) await end(target);
    await Promise.all(all);
    assert.deepEqual((await begin(['/x', '/X.PART'])).running(), ['/x', '/X.PART']);
  });

  it('do not hold up each other in a circle', async () => {
    const targets = ['/x.part', '/x.part.part', '/x', '/x.part.part.part'];
    const { running, end, all } = await begin(targets);
    for (let ended = 0; ended < targets.length; ended += 1) {
      assert.ok(running().length > 0);
      await end(running()[0] ?? '');
    }
    await Promise.all(all);
  });
});

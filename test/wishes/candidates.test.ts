import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { parseJid } from '../../src/stanza/jid.js';
import { Candidates } from '../../src/wishes/candidates.js';

const file = (name: string) => ({
  name,
  size: 1,
  hashes: [{ algo: 'sha-256', value: createHash('sha256').update(name).digest('base64') } as const],
  hashesUsed: [],
});
const jid = (name: string) => parseJid(`${name}.example.org`);

describe('what a wish has found', () => {
  it('is taken in the order in which it was found, first what those offer who failed least', () => {
    const candidates = new Candidates();
    const offer = (from: string, ...names: string[]) => {
      for (const name of names) candidates.add(jid(from), file(name));
    };
    const take = () => candidates.take() ?? assert.fail();
    offer('bad', 'a', 'b', 'c');
    offer('good', 'd', 'e');
    candidates.failed(take());
    offer('good', 'c'); // it has it too
    assert.deepEqual(
      [take(), take(), take(), take()].map(({ name }) => name),
      ['c', 'd', 'e', 'b'],
    );
    assert.equal(candidates.take(), undefined);
    offer('worse', 'f', 'g', 'h');
    for (let i = 0; i < 2; i += 1) candidates.failed(take());
    offer('bad', 'i');
    assert.equal(take().name, 'i', 'who failed twice comes before who failed once');
    assert.equal(candidates.size, 1);
  });

  it('is gone through in linear time, whoever has failed', () => {
    const candidates = new Candidates();
    const names = Array.from({ length: 20 }, (_, i) => `peer${i}`);
    for (const [at, name] of names.entries()) {
      candidates.add(jid(name), file(`failing ${at}`));
      candidates.failed(candidates.take() ?? assert.fail());
    }
    for (let i = 0; i < 10_000; i += 1) {
      for (let at = 0; at < 20; at += 1) candidates.add(jid(names[(i + at) % 20] ?? ''), file(`${i}`));
    }
    assert.equal(candidates.size, 10_000);
    const startedAt = performance.now();
    let count = 0;
    for (let next = candidates.take(); next !== undefined; next = candidates.take()) {
      count += 1;
      if (count % 3 === 0) candidates.failed(next);
    }
    assert.equal(count, 10_000);
    // Some 100 ms; minutes when each look goes through all.
    assert.ok(performance.now() - startedAt < 15_000);
  }).timeout(60_000);
});

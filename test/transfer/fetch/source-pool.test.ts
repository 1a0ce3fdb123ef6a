import assert from 'node:assert/strict';
import { parseJid } from '../../../src/stanza/jid.js';
import { SourceError, type SourceErrorCode } from '../../../src/transfer/fetch/range-source.js';
import { fateOf } from '../../../src/transfer/fetch/source-fate.js';
import { SourcePool } from '../../../src/transfer/fetch/source-pool.js';

const SOME = { maxSources: 3, maxFailures: 3, retryDelayMs: 1000, isPatient: false };

function poolOf(init: Partial<typeof SOME> = {}) {
  const pool = new SourcePool({ ...SOME, ...init });
  const source = pool.found({ jid: parseJid('a.example/n') }, undefined, 0);
  assert.ok(source);
  const fail = (code: SourceErrorCode, nowMs: number, retryAfterMs?: number) => {
    const error = new SourceError(code, code, { ...(retryAfterMs !== undefined && { retryAfterMs }) });
    return pool.failed(source, error, fateOf(error), nowMs);
  };
  return { pool, source, fail };
}

describe('the sources of a download', () => {
  it('are asked again after a pause that doubles, and are out when they fail too often', () => {
    const { pool, source, fail } = poolOf();
    assert.equal(fail('unreachable', 0), 1000);
    assert.deepEqual(pool.ready(999), []);
    assert.equal(pool.nextReadyMs(0), 1000);
    assert.deepEqual(pool.ready(1000), [source]);
    assert.equal(fail('silent', 1000), 2000);
    assert.equal(pool.hasHope, true);
    pool.ready(9000);
    assert.equal(fail('unreachable', 9000), undefined);
    assert.equal(pool.hasHope, false);
    assert.equal(pool.nextReadyMs(9000), Number.POSITIVE_INFINITY);
  });

  it('have failed once when a connection broke that two reads were using', () => {
    const { pool, source, fail } = poolOf({ maxFailures: 2 });
    fail('unreachable', 0);
    fail('unreachable', 0);
    assert.deepEqual(pool.ready(5000), [source]);
  });

  it('have failed nothing yet when they brought a block in between', () => {
    const { pool, source, fail } = poolOf();
    for (let nowMs = 0; nowMs < 1e6; nowMs += 10_000) {
      assert.deepEqual(pool.ready(nowMs), [source]);
      assert.equal(fail('unreachable', nowMs), 1000);
      pool.brought(source);
    }
  });

  it('may be busy for minutes, and say how long', () => {
    const { pool, fail } = poolOf();
    assert.equal(fail('busy', 0, 30_000), 30_000);
    let tries = 1;
    for (let nowMs = 30_000; pool.ready(nowMs).length > 0; nowMs += 70_000) {
      tries += 1;
      fail('busy', nowMs);
    }
    assert.equal(tries, 12);
  });

  it('are out at once when they refuse for reasons that stay', () => {
    for (const code of ['refused', 'not-available', 'changed', 'no-ranges'] as const) {
      assert.equal(poolOf().fail(code, 0), undefined);
    }
  });

  it('are asked again when they are found again, later each time', () => {
    const { pool, source, fail } = poolOf();
    const again = (nowMs: number) => {
      pool.found({ jid: source.jid }, undefined, nowMs);
      return pool.ready(nowMs).length === 1;
    };
    fail('not-available', 0);
    assert.equal(again(5000), false);
    assert.equal(again(10_000), true);
    fail('not-available', 10_000);
    assert.equal(again(25_000), false);
    assert.equal(again(30_000), true);
  });

  it('that rest are asked soon when they are found again', () => {
    const { pool, source, fail } = poolOf({ isPatient: true });
    fail('not-available', 0);
    pool.found({ jid: source.jid }, undefined, 10_000);
    assert.deepEqual(pool.ready(11_000), [source]);
  });

  it('are never given up by who is patient, but for a lie', () => {
    const { pool, source, fail } = poolOf({ isPatient: true });
    let nowMs = 0;
    for (const code of ['unreachable', 'silent', 'refused', 'not-available', 'changed', 'too-few'] as const) {
      nowMs += fail(code, nowMs) ?? Number.NaN;
      assert.deepEqual(pool.ready(nowMs), [source]);
    }
    assert.equal(fail('bad-list', nowMs), undefined);
    pool.ban(source, new Error('it lied'));
    assert.equal(fail('unreachable', nowMs), undefined);
    pool.found({ jid: source.jid }, undefined, nowMs + 1e9);
    assert.deepEqual(pool.ready(nowMs + 1e9), []);
  });

  it('are bounded, and those left out are counted', () => {
    const { pool } = poolOf();
    for (let i = 0; i < 9; i++) pool.found({ jid: parseJid(`x${i}.example/n`) }, undefined, 0);
    assert.equal(pool.all.length, 3);
    assert.equal(pool.leftOut, 7);
  });

  it('are forgotten when there is no room and they brought nothing, the most hopeless first', () => {
    const { pool, source } = poolOf({ maxSources: 5 });
    const [out, banned, resting, giver] = ['o', 'b', 'r', 'g'].map((name) => {
      const each = pool.found({ jid: parseJid(`${name}.example/n`) }, undefined, 0);
      assert.ok(each);
      return each;
    });
    assert.ok(out && banned && resting && giver);
    const fail = (each: typeof source, code: SourceErrorCode) =>
      pool.failed(each, new SourceError(code, code), fateOf(new SourceError(code, code)), 0);
    fail(resting, 'unreachable');
    fail(giver, 'refused');
    giver.keptBytes = 1;
    fail(out, 'refused');
    pool.ban(banned, new Error('it lied'));
    assert.equal(pool.makeRoom(out.jid), undefined);
    for (const [i, forgotten] of [out, banned, resting, undefined].entries()) {
      const jid = parseJid(`x${i}.example/n`);
      assert.equal(pool.makeRoom(jid), forgotten);
      assert.equal(pool.found({ jid }, undefined, 0) !== undefined, forgotten !== undefined);
    }
    assert.equal(pool.leftOut, 1);
    assert.equal(new Set(pool.all.map(({ id }) => id)).size, 5);
  });

  it('learn what blocks they have when they are found again', () => {
    const { pool, source } = poolOf();
    const tree = { algo: 'sha-256' as const, blockBytes: 1024, count: 2, root: 'r' };
    pool.found({ jid: source.jid, tree }, tree, 0);
    assert.equal(source.tree, tree);
  });
});

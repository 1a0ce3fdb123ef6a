import assert from 'node:assert/strict';
import { LinkAliases } from '../../src/scan/link-aliases.js';
import { LookSchedule } from '../../src/scan/look-schedule.js';

describe('look schedule', () => {
  it('has a folder wait once, for the earliest time', () => {
    const schedule = new LookSchedule();
    schedule.add('a', 500);
    schedule.add('a', 100);
    schedule.add('a', 900);
    schedule.add('b', 200);
    assert.equal(schedule.next(), 100);
    assert.deepEqual(schedule.take(150, 10), ['a']);
    assert.deepEqual(schedule.take(1000, 10), ['b']);
    assert.equal(schedule.next(), undefined);
  });

  it('leaves a folder alone for a multiple of what a look at it took', () => {
    const schedule = new LookSchedule();
    schedule.looked('a', 1000, 50);
    schedule.add('a', 1001);
    assert.deepEqual(schedule.take(1199, 10), []);
    assert.deepEqual(schedule.take(1200, 10), ['a']);
    schedule.tidy(1500);
    schedule.add('a', 1501);
    assert.equal(schedule.next(), 1501);
  });

  it('asks for a scan of everything when too many wait', () => {
    const schedule = new LookSchedule();
    for (let i = 0; i < 20_000; i += 1) schedule.add(`${i}`, 0);
    assert.equal(schedule.overflowed, true);
    assert.ok(schedule.size <= 10_000);
    schedule.restart();
    assert.equal(schedule.overflowed, false);
    assert.equal(schedule.size, 0);
  });
});

describe('link aliases', () => {
  it('tell where a change shows', () => {
    const aliases = new LinkAliases();
    aliases.set('x', [
      { path: 'x/dir', target: 'real', leadsTo: 'directory' },
      { path: 'x/file', target: 'real/sub/file', leadsTo: 'file' },
    ]);
    assert.deepEqual(aliases.of('real'), ['x/dir']);
    assert.deepEqual(aliases.of('real/sub').sort(), ['x', 'x/dir/sub']);
    assert.deepEqual(aliases.of('real/sub/deep'), ['x/dir/sub/deep']);
    assert.deepEqual(aliases.of('other'), []);
    aliases.set('x', []);
    assert.deepEqual(aliases.of('real'), []);
  });
});

import assert from 'node:assert/strict';
import { AddressPins } from '../../src/http/address-pins.js';

describe('AddressPins', () => {
  it('keep a bounded number: those that have expired go first, then the oldest', () => {
    let nowMs = 0;
    const pins = new AddressPins({ clock: { now: () => nowMs } });
    const token = (at: number) => String(at).padStart(21, '0');
    for (let at = 0; at < 5_000; at += 1) pins.admits(token(at), 1000, 'a');
    for (let at = 5_000; at < 10_000; at += 1) pins.admits(token(at), 9000, 'a');
    assert.equal(pins.admits(token(0), 1000, 'b'), false);
    nowMs = 2000;
    assert.equal(pins.admits(token(10_000), 9000, 'a'), true);
    assert.equal(pins.admits(token(9_999), 9000, 'b'), false, 'what still lasts is kept');
    for (let at = 10_001; at < 30_000; at += 1) pins.admits(token(at), 9000, 'a');
    assert.equal(pins.admits(token(29_999), 9000, 'b'), false);
    assert.equal(pins.admits(token(9_999), 9000, 'b'), true, 'the oldest had to go');
  });
});

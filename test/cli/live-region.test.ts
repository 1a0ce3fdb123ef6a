import assert from 'node:assert/strict';
import { LiveRegion } from '../../src/cli/live-region.js';
import { CapturedOutput } from '../support/captured-io.js';

describe('a live region', () => {
  it('changes its lines in place', () => {
    const output = new CapturedOutput({ columns: 20, rows: 10 });
    const region = new LiveRegion(output);
    region.paint(['one']);
    region.paint(['one', 'two']);
    region.paint(['ONE', 'two', 'three']);
    assert.deepEqual(output.screen(), ['ONE', 'two', 'three']);
    region.clear();
    assert.deepEqual(output.screen(), []);
  });

  it('leaves what was above it alone', () => {
    const output = new CapturedOutput({ columns: 20, rows: 10 });
    output.write('before\n');
    const region = new LiveRegion(output);
    region.paint(['one', 'two']);
    region.clear();
    output.write('said\n');
    region.paint(['three']);
    assert.deepEqual(output.screen(), ['before', 'said', 'three']);
  });

  it('shows every line once when there are more than the screen holds', () => {
    const output = new CapturedOutput({ columns: 20, rows: 5 });
    const region = new LiveRegion(output);
    const lines = (count: number, mark = '') => Array.from({ length: count }, (_, at) => `${at}${mark}`);
    for (let count = 1; count <= 12; count += 1) region.paint(lines(count));
    assert.deepEqual(output.screen(), lines(12));
    assert.equal(region.left, 8);
    // What is still on the screen changes, what has left it does not.
    region.paint(lines(12, '!'));
    assert.deepEqual(output.screen(), [...lines(8), '8!', '9!', '10!', '11!']);
    const many = new CapturedOutput({ columns: 20, rows: 5 });
    const atOnce = new LiveRegion(many);
    atOnce.paint(lines(12));
    atOnce.paint(lines(13));
    assert.deepEqual(many.screen(), lines(13));
  });
});

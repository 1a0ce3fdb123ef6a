import assert from 'node:assert/strict';
import { limitWarnings } from '../../src/config/limit-order.js';
import { limitOptions } from '../../src/config/limits.js';
import type { Limits } from '../../src/config/options.js';

const defaults = Object.fromEntries(
  Object.entries(limitOptions).map(([key, option]) => [key.replace('limits.', ''), option.default]),
) as unknown as Limits;

describe('limit order', () => {
  it('has nothing to say of the defaults', () => {
    assert.deepEqual(limitWarnings(defaults), []);
  });

  it('tells of a limit that a wider one makes idle', () => {
    assert.deepEqual(limitWarnings({ ...defaults, queriesPerAskerPerMinute: 2000, uploads: 4 }), [
      'limits.queriesPerAskerPerMinute is 2000, but limits.queriesPerDomainPerMinute 1500: that one counts',
      'limits.uploadsPerPeer is 8, but limits.uploads 4: that one counts',
    ]);
  });
});

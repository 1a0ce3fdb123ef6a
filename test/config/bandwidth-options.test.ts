import assert from 'node:assert/strict';
import { bandwidthOptions } from '../../src/config/bandwidth-options.js';
import type { Fault } from '../../src/config/option.js';
import { readTable } from '../../src/config/read-table.js';

function read(bandwidth: unknown) {
  const faults: Fault[] = [];
  const values = readTable(bandwidthOptions, { bandwidth }, { path: [], faults, resolve: (each) => each });
  return { values, faults: faults.map(({ path, text }) => `${path.join('.')}: ${text}`) };
}

describe('options of bandwidth', () => {
  it('bound nothing where there are none', () => {
    const { values, faults } = read(undefined);
    assert.deepEqual(faults, []);
    assert.equal(values['bandwidth.bytesPerSecond'], undefined);
    assert.deepEqual(values['bandwidth.times'], []);
  });

  it('have times of the day as minutes', () => {
    const { values, faults } = read({
      bytesPerSecond: 2_000_000,
      times: [{ from: '22:00', to: '06:30', bytesPerSecondPerPeer: 50_000 }],
    });
    assert.deepEqual(faults, []);
    assert.deepEqual(values['bandwidth.times'], [
      { from: 1320, to: 390, bytesPerSecond: undefined, bytesPerSecondPerPeer: 50_000 },
    ]);
  });

  it('say what is wrong with them', () => {
    // YAML 1.1 would read 22:00 as a number of base sixty.
    assert.deepEqual(read({ bytesPerSecond: 5, times: [{ from: 1320, to: '24:00' }] }).faults, [
      'bandwidth.bytesPerSecond: must be a whole number from 10000 to 1000000000000',
      'bandwidth.times.0.from: must be a time such as 07:30, in quotes, from 00:00 to 23:59',
      'bandwidth.times.0.to: must be a time such as 07:30, in quotes, from 00:00 to 23:59',
    ]);
  });
});

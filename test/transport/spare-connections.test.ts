import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { SpareConnections } from '../../src/transport/spare-connections.js';
import { settle, VirtualClock } from '../support/virtual-clock.js';

describe('SpareConnections', () => {
  let clock: VirtualClock;
  let spare: SpareConnections;

  beforeEach(() => {
    clock = new VirtualClock();
    spare = new SpareConnections({ clock });
  });
  afterEach(() => assert.equal(clock.pendingTimers, 0));

  function kept() {
    const [stream, other] = duplexPair();
    spare.keep(stream);
    return { stream, other };
  }

  it('closes what it keeps after a while, and reads nothing of it', async () => {
    const { stream, other } = kept();
    other.write('still something');
    await clock.advance(1000);
    assert.equal(stream.destroyed, false);
    assert.ok(stream.readableLength > 0);
    await clock.advance(1000);
    assert.equal(stream.destroyed, true);
  });

  it('closes all of it when it is told to, and may be told twice', async () => {
    const streams = [kept().stream, kept().stream];
    spare.close();
    spare.close();
    assert.deepEqual(
      streams.map(({ destroyed }) => destroyed),
      [true, true],
    );
  });

  it('forgets what closes by itself, or is closed already', async () => {
    const { stream } = kept();
    stream.destroy();
    await settle();
    assert.equal(clock.pendingTimers, 0);
    spare.keep(stream);
  });
});

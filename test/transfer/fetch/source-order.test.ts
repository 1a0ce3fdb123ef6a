import assert from 'node:assert/strict';
import { ParseError, TimeoutError } from '../../../src/errors.js';
import { FileNotAvailableError, SessionEndedError } from '../../../src/jingle/file-session.js';
import { parseJid } from '../../../src/stanza/jid.js';
import { StanzaError } from '../../../src/stanza/stanza-error.js';
import { isLasting, SourceOrder } from '../../../src/transfer/fetch/source-order.js';
import { TransportFailedError } from '../../../src/transport/transport.js';

const [a, b, c] = ['a.example', 'b.example', 'c.example'].map((jid) => ({ jid: parseJid(jid) }));
assert.ok(a && b && c);
const failure = new Error('failed');

describe('SourceOrder', () => {
  const init = { maxFailures: 3, retryDelayMs: 100 };

  it('asks each once before it asks one again, then the one that failed first', () => {
    const order = new SourceOrder([a, b, c], init);
    for (const source of [a, b, c]) {
      assert.deepEqual(order.next(0), { source, waitMs: 0 });
      order.failed(source, failure, 'useless', 0);
    }
    assert.deepEqual(order.next(40), { source: a, waitMs: 60 });
    assert.deepEqual(order.next(100), { source: a, waitMs: 0 });
  });

  it('waits twice as long after each failure, and gives up after the last', () => {
    const order = new SourceOrder([a], init);
    order.failed(a, failure, 'useless', 0);
    assert.equal(order.next(0)?.waitMs, 100);
    order.failed(a, failure, 'useless', 100);
    assert.equal(order.next(100)?.waitMs, 200);
    order.failed(a, failure, 'useless', 300);
    assert.equal(order.next(10_000), undefined);
    assert.deepEqual(order.failures(), [{ jid: a.jid, error: failure }]);
  });

  it('never gives up one that brings bytes each time', () => {
    const order = new SourceOrder([a], init);
    for (let turn = 0; turn < 50; turn++) order.failed(a, failure, 'useful', turn * 1000);
    assert.equal(order.next(49_000)?.waitMs, 100);
  });

  it('never asks again one that is out', () => {
    const order = new SourceOrder([a, b], init);
    order.failed(a, failure, 'out', 0);
    assert.equal(order.next(0)?.source, b);
    order.failed(b, failure, 'useless', 0);
    assert.equal(order.next(60_000)?.source, b);
  });
});

describe('isLasting', () => {
  it('tells what would fail again from what may pass', () => {
    const lasting = [
      new FileNotAvailableError('gone'),
      new ParseError('not Jingle'),
      new SessionEndedError('failed-application', undefined, 'file-not-available'),
      new SessionEndedError('decline', undefined, undefined),
      new SessionEndedError('unsupported-transports', undefined, undefined),
      new StanzaError('forbidden'),
      new StanzaError('feature-not-implemented'),
    ];
    const passing = [
      new SessionEndedError('busy', undefined, undefined),
      new SessionEndedError('connectivity-error', undefined, undefined),
      new StanzaError('service-unavailable'),
      new StanzaError('resource-constraint'),
      new TimeoutError('too late'),
      new TransportFailedError('broken'),
      new Error('anything'),
    ];
    assert.deepEqual(
      lasting.filter((error) => !isLasting(error)),
      [],
    );
    assert.deepEqual(passing.filter(isLasting), []);
  });
});

/**
 * Transfers over a network that loses stanzas, delays them, finds no way, breaks in the middle and
 * cuts entities off, by a seed that fast-check prints. Whatever happens: both sides come to an
 * end, nothing is left open, and a reader who sees the end of the bytes has the right ones.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { NS } from '../../src/stanza/namespaces.js';
import type { Element } from '../../src/stanza/xml.js';
import { ASKER, bytesOf, JinglePair, NODE } from '../support/jingle-pair.js';
import { BARE_CONTENT, contentOf, RawJinglePeer } from '../support/raw-jingle-peer.js';

const BYTES = randomBytes(300_000);

interface Weather {
  /** Which stanzas are lost, counted from the first. */
  readonly lost: readonly number[];
  readonly delayMs: number;
  readonly noWay: readonly ('s5b' | 'ibb')[];
  readonly breakAfterBytes: number | null;
  /** Who is cut off after how many stanzas, and whether they come back. */
  readonly cut: { readonly who: string; readonly after: number; readonly back: boolean } | null;
  readonly hashed: boolean;
  readonly offset: number;
  readonly leave: 'success' | 'cancel' | 'destroy' | 'nothing';
}

const weather: fc.Arbitrary<Weather> = fc.record({
  lost: fc.uniqueArray(fc.nat(14), { maxLength: 3 }),
  delayMs: fc.constantFrom(0, 0, 5, 4_000),
  noWay: fc.subarray(['s5b', 'ibb'] as const),
  breakAfterBytes: fc.option(fc.nat(BYTES.length)),
  cut: fc.option(fc.record({ who: fc.constantFrom(NODE, ASKER), after: fc.nat(10), back: fc.boolean() }), {
    freq: 3,
  }),
  hashed: fc.boolean(),
  offset: fc.nat(BYTES.length),
  leave: fc.constantFrom('success', 'success', 'cancel', 'destroy', 'nothing'),
});

describe('Simulation: Jingle transfers in bad weather', function () {
  this.timeout(60_000);

  it('always end, leave nothing and never give wrong bytes', async () => {
    const outcomes = { complete: 0, failed: 0 };
    await fc.assert(
      fc.asyncProperty(weather, async (given) => {
        outcomes[await transfer(given)] += 1;
      }),
      { numRuns: 150 },
    );
    // Weather in which nothing, or everything, fails would show little.
    assert.ok(outcomes.complete > 10 && outcomes.failed > 10, JSON.stringify(outcomes));
  });

  it('end though the peer sends anything at any time', async () => {
    const scripts = fc.array(fc.constantFrom(...ACTIONS), { minLength: 1, maxLength: 12 });
    await fc.assert(fc.asyncProperty(scripts, nonsense), { numRuns: 150 });
  });
});

async function transfer(given: Weather): Promise<'complete' | 'failed'> {
  const pair = await JinglePair.open();
  pair.files.offer('a', BYTES, { hashed: given.hashed });
  for (const type of given.noWay) pair.bytestreams.failing.add(type);
  if (given.breakAfterBytes !== null) pair.bytestreams.breakAfterBytes = given.breakAfterBytes;
  pair.net.delay = given.delayMs;
  let seen = 0;
  const clear = pair.net.drop((stanza: Element) => {
    if (stanza.getName() !== 'iq') return false;
    const count = seen;
    seen += 1;
    if (given.cut?.after === count) pair.net.cut(given.cut.who);
    return given.lost.includes(count);
  });
  const download = pair.download({ name: 'a', range: { offset: given.offset, hashes: [] } });
  let outcome: 'complete' | 'failed' | undefined;
  const reading = read();
  async function read(): Promise<void> {
    try {
      if (given.leave === 'destroy') {
        await download.accepted;
        download.stream.destroy();
      }
      assert.deepEqual(await bytesOf(download.stream), BYTES.subarray(given.offset));
      outcome = 'complete';
      if (given.leave === 'success' || given.leave === 'cancel') void download.finish(given.leave);
    } catch (error) {
      assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error));
      outcome = 'failed';
    }
  }
  for (
    let turn = 0;
    turn < 40 && (pair.serving.sessionCount > 0 || pair.asking.sessionCount > 0);
    turn += 1
  ) {
    await pair.clock.advance(30_000);
    if (turn === 2 && given.cut?.back) pair.net.restore(given.cut.who);
  }
  clear();
  await pair.ended();
  await reading;
  await pair.close();
  assert.ok(outcome);
  return outcome;
}

const FILE = '<name>a</name>';
/** `action inside`, as a peer may send it with the sid of a session that may or may not be there. */
const ACTIONS: readonly (readonly [string, string])[] = [
  ['session-initiate', contentOf({ sid: 's', file: FILE })],
  ['session-initiate', contentOf({ sid: 's', file: FILE, ns: NS.jingleIbb })],
  ['session-initiate', contentOf({ sid: 's', file: FILE, senders: 'initiator' })],
  ['session-accept', contentOf({ sid: 's', file: FILE })],
  ['session-info', ''],
  ['session-info', `<received xmlns='${NS.fileTransfer5}'/>`],
  ['session-info', "<nonsense xmlns='urn:x'/>"],
  ['content-add', contentOf({ sid: 'more', file: FILE })],
  ['content-remove', BARE_CONTENT],
  ['content-accept', contentOf({ sid: 's', file: FILE })],
  ['content-reject', BARE_CONTENT],
  ['content-modify', "<content creator='initiator' name='c' senders='both'/>"],
  ['description-info', BARE_CONTENT],
  ['security-info', BARE_CONTENT],
  ['transport-info', contentOf({ sid: 's' })],
  ['transport-replace', contentOf({ sid: 'r', ns: NS.jingleIbb })],
  ['transport-replace', contentOf({ sid: 'r' })],
  ['transport-accept', contentOf({ sid: 's' })],
  ['transport-reject', BARE_CONTENT],
  ['session-terminate', '<reason><success/></reason>'],
  ['session-terminate', ''],
  ['wait', '31000'],
  ['wait', '61000'],
];

async function nonsense(script: readonly (readonly [string, string])[]): Promise<void> {
  const pair = await JinglePair.open();
  pair.files.offer('a', BYTES);
  const peer = await RawJinglePeer.online(pair.net, 'peer@example.org/raw', NODE);
  await peer.request('s');
  for (const [action, inside] of script) {
    if (action === 'wait') await pair.clock.advance(Number(inside));
    else assert.match(await peer.send(action, 's', inside), /^[a-z-]+( [a-z-]+)?$/); // an answer, always
    assert.ok(pair.serving.sessionCount <= 2);
  }
  await pair.clock.advance(600_000);
  await pair.ended();
  await pair.close();
  await peer.stop();
}

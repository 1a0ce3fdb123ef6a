/** The machines of session and content under any sequence of events; fast-check prints the seed of what fails. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { contentMachine, contentWaits } from '../../src/jingle/content-machine.js';
import type { ContentEvent, ContentPlan, ContentState } from '../../src/jingle/content-state.js';
import { type SessionEvent, type SessionState, sessionMachine } from '../../src/jingle/session-machine.js';

const error = new Error('no');
const good = { reason: { condition: 'success' } } as const;
const bad = { reason: { condition: 'cancel' }, error } as const;

const contentEvent: fc.Arbitrary<ContentEvent> = fc.constantFrom<ContentEvent>(
  { type: 'described' },
  { type: 'sent' },
  { type: 'accepted' },
  { type: 'accepted' },
  { type: 'rejected', ending: bad },
  { type: 'connected' },
  { type: 'connected' },
  { type: 'connect-failed', error },
  { type: 'peer-replace', transport: 'ibb' },
  { type: 'peer-replace', transport: 's5b' },
  { type: 'peer-replace-unusable' },
  { type: 'peer-replace-accepted' },
  { type: 'peer-replace-accepted' },
  { type: 'replace-failed', error },
  { type: 'replace-overruled' },
  { type: 'replace-answered' },
  { type: 'peer-position' },
  { type: 'position-taken' },
  { type: 'position-taken' },
  { type: 'position-refused', error },
  { type: 'all-given' },
  { type: 'flushed' },
  { type: 'all-received', checksumDue: true },
  { type: 'all-received', checksumDue: false },
  { type: 'too-much' },
  { type: 'checksum' },
  { type: 'received' },
  { type: 'stream-closed' },
  { type: 'stream-failed', error, peerResumes: true },
  { type: 'stream-failed', error, peerResumes: false },
  { type: 'source-failed', error },
  { type: 'finish', ending: good },
  { type: 'finish', ending: bad },
  { type: 'ended', ending: good, allGiven: true },
  { type: 'ended', ending: bad, allGiven: false },
  { type: 'timeout' },
);

const plan: fc.Arbitrary<ContentPlan> = fc.record({
  role: fc.constantFrom('initiator', 'responder'),
  sends: fc.boolean(),
  all: fc.constant(['s5b', 'ibb'] as const),
  transport: fc.constantFrom('s5b', 'ibb'),
  untried: fc.subarray(['s5b', 'ibb'] as const),
  replacesLeft: fc.nat(4),
  resumesLeft: fc.nat(3),
  interruption: fc.constant('none' as const),
});

const isOver = ({ type }: ContentState) => type === 'done' || type === 'failed';

describe('jingle-content: any sequence of events', () => {
  it('is concluded at most once, keeps its bounds, and stays over once it is over', () => {
    const events = fc.array(contentEvent, { maxLength: 60 });
    fc.assert(
      fc.property(plan, fc.constantFrom('preparing', 'deciding'), events, (given, type, script) => {
        let state: ContentState = { ...given, type };
        let concluded = 0;
        let moving = 0;
        for (const event of script) {
          const step = contentMachine.step(Object.freeze(state), event);
          if (!step) continue;
          assert.ok(!isOver(state), `${state.type} × ${event.type} has a row`);
          state = step.state;
          for (const effect of step.effects) {
            if (effect.type === 'conclude') concluded += 1;
            if (effect.type === 'move') moving += 1;
            assert.notEqual(effect.type === 'move' && state.sends && state.interruption === 'unplaced', true);
          }
          assert.ok(state.replacesLeft >= 0 && state.resumesLeft >= 0);
        }
        assert.ok(concluded <= 1);
        // Each stream beyond the first takes a resumption.
        assert.ok(moving <= 1 + given.resumesLeft - state.resumesLeft, `${moving} streams`);
      }),
      { numRuns: 2_000 },
    );
  });

  it('comes to an end by its timeouts alone, wherever it is', () => {
    const events = fc.array(contentEvent, { maxLength: 30 });
    fc.assert(
      fc.property(plan, fc.constantFrom('preparing', 'deciding'), events, (given, type, script) => {
        let state: ContentState = { ...given, type };
        for (const event of script) state = contentMachine.step(state, event)?.state ?? state;
        for (let count = 0; count < 40 && !isOver(state); count += 1) {
          // Where the session or an iq bounds the state, that comes to its end.
          const silence: ContentEvent =
            state.type === 'telling'
              ? { type: 'position-refused', error }
              : contentWaits[state.type] === undefined
                ? { type: 'ended', ending: bad, allGiven: false }
                : { type: 'timeout' };
          const step = contentMachine.step(state, silence);
          assert.ok(step, `${state.type} waits for ever`);
          state = step.state;
        }
        assert.ok(isOver(state), state.type);
      }),
      { numRuns: 2_000 },
    );
  });
});

const sessionEvent: fc.Arbitrary<SessionEvent> = fc.constantFrom<SessionEvent>(
  { type: 'prepared' },
  { type: 'acknowledged' },
  { type: 'unanswered', error, late: false },
  { type: 'unanswered', error, late: true },
  { type: 'accept' },
  { type: 'end', ending: bad },
  { type: 'timeout' },
  { type: 'peer-initiate' },
  { type: 'peer-accept', contents: [] },
  { type: 'peer-terminate', reason: undefined },
  { type: 'peer-ping' },
  { type: 'peer-unknown-info' },
  { type: 'peer-queue', place: { creator: 'initiator', name: 'file', position: 1 } },
  { type: 'peer-content-add', contents: [] },
  { type: 'peer-content-accept', contents: [] },
  { type: 'peer-content-reject', contents: [], reason: undefined },
  { type: 'peer-content-remove', contents: [], reason: { condition: 'busy' } },
  { type: 'peer-content-modify', contents: [] },
  { type: 'peer-description-info', contents: [] },
);

describe('jingle-session: any sequence of events', () => {
  it('says goodbye at most once, is over once, and nothing follows', () => {
    const events = fc.array(sessionEvent, { maxLength: 40 });
    fc.assert(
      fc.property(fc.constantFrom('preparing', 'deciding'), events, (type, script) => {
        let state: SessionState = { type };
        const count = { over: 0, 'send-terminate': 0, 'send-initiate': 0, 'send-accept': 0 };
        for (const event of script) {
          const step = sessionMachine.step(Object.freeze(state), event);
          if (!step) continue;
          assert.ok(!('ending' in state), `${state.type} × ${event.type} has a row`);
          state = step.state;
          for (const effect of step.effects) {
            if (effect.type in count) count[effect.type as keyof typeof count] += 1;
          }
          assert.equal('ending' in state, count.over === 1);
        }
        for (const [effect, times] of Object.entries(count)) assert.ok(times <= 1, effect);
      }),
      { numRuns: 2_000 },
    );
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type ConversationEvent,
  type ConversationState,
  conversationMachine,
  type ListedItem,
  MAX_SHOWN,
  type ShownList,
  type Subject,
} from '../../src/chat/conversation-machine.js';
import { describeTable } from '../support/machine-table.js';

const file = (path: string): ListedItem => ({ type: 'file', path, name: path, size: 1 });
const SUBJECT: Subject = { type: 'find', words: 'romeo' };
const LIST: ShownList = {
  subject: SUBJECT,
  items: [file('a/1'), { type: 'folder', path: 'a/b' }],
  first: 1,
  total: 12,
  next: 'cursor',
};

const STATES: readonly ConversationState[] = [
  { type: 'fresh' },
  { type: 'listed', list: LIST },
  { type: 'looking', subject: SUBJECT, list: LIST, continues: true },
  { type: 'over' },
];

const EVENTS: readonly ConversationEvent[] = [
  { type: 'help' },
  { type: 'strange' },
  { type: 'encrypted' },
  { type: 'find', words: 'juliet' },
  { type: 'browse', folder: 'a' },
  { type: 'browse-number', number: 2 },
  { type: 'more' },
  { type: 'get', numbers: [1] },
  { type: 'get-path', path: 'a/1' },
  { type: 'stop' },
  { type: 'found', page: { items: [file('a/3')], total: 3, pending: 0 } },
  { type: 'not-there' },
  { type: 'failed', reason: 'no' },
  { type: 'expire' },
];

describeTable(
  conversationMachine,
  { states: STATES, events: EVENTS },
  {
    fresh: {
      help: 'fresh say',
      strange: 'fresh say',
      encrypted: 'fresh say',
      find: 'looking look',
      browse: 'looking look',
      'browse-number': 'fresh say',
      more: 'fresh say',
      get: 'fresh say',
      'get-path': 'fresh hand-over',
      stop: 'fresh withdraw say',
      expire: 'over',
    },
    listed: {
      help: 'listed say',
      strange: 'listed say',
      encrypted: 'listed say',
      find: 'looking look',
      browse: 'looking look',
      'browse-number': 'looking look',
      more: 'looking look',
      get: 'listed hand-over',
      'get-path': 'listed hand-over',
      stop: 'listed withdraw say',
      expire: 'over',
    },
    looking: {
      help: 'looking say',
      strange: 'looking say',
      encrypted: 'looking say',
      find: 'looking abandon look',
      browse: 'looking abandon look',
      'browse-number': 'looking say',
      more: 'looking say',
      get: 'looking hand-over',
      'get-path': 'looking hand-over',
      found: 'listed say',
      'not-there': 'listed say',
      failed: 'listed say',
      stop: 'listed abandon withdraw say',
      expire: 'over abandon',
    },
  },
);

function walk(events: readonly ConversationEvent[]) {
  let state: ConversationState = { type: 'fresh' };
  const effects = events.flatMap((event) => {
    const step = conversationMachine.step(state, event);
    state = step?.state ?? state;
    return step?.effects ?? [];
  });
  return { state: state as ConversationState, effects };
}

/** A page of `count` files, numbered from `from`, of many. */
function page(from: number, count: number, hasNext = true): ConversationEvent {
  const items = Array.from({ length: count }, (_, at) => file(`s/${from + at}`));
  return {
    type: 'found',
    page: { items, total: 10_000, pending: 0, ...(hasNext && { next: `after ${from}` }) },
  };
}

describe('conversation machine', () => {
  it('goes on with the numbers from page to page, and a number means what it stood beside', () => {
    const { effects } = walk([
      { type: 'find', words: 'x' },
      page(1, 10),
      { type: 'more' },
      page(11, 10),
      { type: 'get', numbers: [3, 12] },
    ]);
    assert.deepEqual(effects.at(-1), {
      type: 'hand-over',
      files: [
        { path: 's/3', number: 3 },
        { path: 's/12', number: 12 },
      ],
    });
  });

  it('begins anew at 1 with each list, and asks for no page after the last', () => {
    const { effects } = walk([
      { type: 'find', words: 'x' },
      page(1, 10),
      { type: 'browse', folder: 'a' },
      page(1, 2, false),
      { type: 'get', numbers: [3] },
      { type: 'more' },
    ]);
    const said = effects.flatMap((each) => (each.type === 'say' ? each.saying.type : []));
    assert.deepEqual(said, ['page', 'page', 'no-such-number', 'no-more']);
  });

  it('remembers only so much of a list, however far somebody turns its pages', () => {
    const pages = Array.from({ length: 30 }, (_, at) => [{ type: 'more' } as const, page(at * 10 + 11, 10)]);
    const { state } = walk([{ type: 'find', words: 'x' }, page(1, 10), ...pages.flat()]);
    assert.ok(state.type === 'listed');
    assert.equal(state.list.items.length, MAX_SHOWN);
    assert.equal(state.list.first, 211);
    const got = conversationMachine.step(state, { type: 'get', numbers: [211] });
    assert.deepEqual(got?.effects, [{ type: 'hand-over', files: [{ path: 's/211', number: 211 }] }]);
    const gone = conversationMachine.step(state, { type: 'get', numbers: [210] });
    assert.equal(gone?.effects[0]?.type === 'say' && gone.effects[0].saying.type, 'no-such-number');
  });

  it('hands over only what was listed, whatever is typed', () => {
    const event = fc.constantFrom(...EVENTS.filter(({ type }) => type !== 'get-path'));
    const get = fc.record({
      type: fc.constant('get' as const),
      numbers: fc.array(fc.integer(), { maxLength: 12 }),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(event, get), { maxLength: 40 }), (events) => {
        for (const effect of walk(events).effects) {
          if (effect.type === 'hand-over') for (const { path } of effect.files) assert.equal(path, 'a/3');
        }
      }),
    );
  });
});

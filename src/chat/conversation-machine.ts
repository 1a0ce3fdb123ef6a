/**
 * What is said to one asker, and what is done for it: a list that was looked for, its pages, the files of it that are
 * wanted. Pure; `conversation.ts` performs the effects.
 */
import { defineMachine, rowsOf } from '../machine.js';
import { type Command, MAX_GETS } from './command.js';

/** One line of a list. */
export type ListedItem =
  | { readonly type: 'folder'; readonly path: string }
  | {
      readonly type: 'file';
      readonly path: string;
      readonly name: string;
      readonly size: number | undefined;
    };

/** What a list is of. */
export type Subject =
  | { readonly type: 'find'; readonly words: string }
  | { readonly type: 'browse'; readonly folder: string };

/** A page as it was found. */
export interface FoundPage {
  readonly items: readonly ListedItem[];
  readonly total: number;
  /** Where the next page begins; undefined after the last. */
  readonly next?: string;
  /** Matches that are not listed because they are still being hashed. */
  readonly pending: number;
}

/** What has been shown of a list. */
export interface ShownList {
  readonly subject: Subject;
  readonly items: readonly ListedItem[];
  /** The number of the first item: of long lists the beginning is forgotten. */
  readonly first: number;
  readonly total: number;
  readonly next?: string;
}

export type ConversationState =
  /** Nothing is listed. */
  | { readonly type: 'fresh' }
  | { readonly type: 'listed'; readonly list: ShownList }
  /** `list`: what was listed before and, where `continues`, what the page is added to. */
  | {
      readonly type: 'looking';
      readonly subject: Subject;
      readonly list?: ShownList;
      readonly continues: boolean;
    }
  | { readonly type: 'over' };

export type ConversationEvent =
  | Command
  /** The words are encrypted, which we can't read. */
  | { readonly type: 'encrypted' }
  | { readonly type: 'found'; readonly page: FoundPage }
  /** There is no such folder. */
  | { readonly type: 'not-there' }
  | { readonly type: 'failed'; readonly reason: string }
  /** Nothing was said for a long time, others need the place, or they are gone. */
  | { readonly type: 'expire' };

/** A file to be given: what we listed, or what was asked for by its path. */
export interface WantedPath {
  readonly path: string;
  readonly number?: number;
}

export type Saying =
  | { readonly type: 'help' }
  | { readonly type: 'not-understood' }
  | { readonly type: 'encrypted' }
  | { readonly type: 'busy' }
  | { readonly type: 'stopped' }
  | {
      readonly type: 'page';
      readonly subject: Subject;
      readonly items: readonly ListedItem[];
      readonly first: number;
      readonly total: number;
      readonly pending: number;
      readonly hasMore: boolean;
    }
  | { readonly type: 'nothing'; readonly subject: Subject; readonly pending: number }
  | { readonly type: 'no-more' }
  | { readonly type: 'no-list' }
  | {
      readonly type: 'no-such-number';
      readonly number: number;
      readonly first: number;
      readonly last: number;
    }
  | { readonly type: 'too-many-at-once'; readonly max: number }
  | { readonly type: 'is-folder'; readonly number: number }
  | { readonly type: 'is-file'; readonly number: number }
  | { readonly type: 'not-there' }
  | { readonly type: 'failed'; readonly reason: string };

export type ConversationEffect =
  | { readonly type: 'say'; readonly saying: Saying }
  | { readonly type: 'look'; readonly subject: Subject; readonly after?: string }
  /** What is looked for is wanted no more. */
  | { readonly type: 'abandon' }
  | { readonly type: 'hand-over'; readonly files: readonly WantedPath[] }
  /** Files that are offered are wanted no more. */
  | { readonly type: 'withdraw' };

/** Items of one list that can be asked for by number: a screen or five. */
export const MAX_SHOWN = 100;

type Next = { state: ConversationState; effects?: readonly ConversationEffect[] };
const row = rowsOf<ConversationState, ConversationEvent, ConversationEffect>();
const OPEN = ['fresh', 'listed'] as const;
const ALIVE = ['fresh', 'listed', 'looking'] as const;
const say = (saying: Saying): ConversationEffect => ({ type: 'say', saying });

export const conversationMachine = defineMachine<ConversationState, ConversationEvent, ConversationEffect>(
  'conversation',
  [
    ...row(ALIVE, 'help', 'local', (state) => ({ state, effects: [say({ type: 'help' })] })),
    ...row(ALIVE, 'strange', 'local', (state) => ({ state, effects: [say({ type: 'not-understood' })] })),
    ...row(ALIVE, 'encrypted', 'XEP-0380 §3: whoever can’t read it says so', (state) => ({
      state,
      effects: [say({ type: 'encrypted' })],
    })),

    ...row(OPEN, 'find', 'local', (state, { words }) => look(state, { type: 'find', words })),
    ...row(OPEN, 'browse', 'local', (state, { folder }) => look(state, { type: 'browse', folder })),
    ...row('looking', 'find', 'local', (state, { words }) => instead(state, { type: 'find', words })),
    ...row('looking', 'browse', 'local', (state, { folder }) => instead(state, { type: 'browse', folder })),

    ...row('fresh', 'browse-number', 'local', (state) => ({ state, effects: [say({ type: 'no-list' })] })),
    ...row('listed', 'browse-number', 'local', (state, { number }) =>
      browseNumber(state, state.list, number),
    ),
    ...row('fresh', 'more', 'local', (state) => ({ state, effects: [say({ type: 'no-list' })] })),
    ...row('listed', 'more', 'XEP-0059 §2.2', (state) => more(state)),
    ...row('fresh', 'get', 'local', (state) => ({ state, effects: [say({ type: 'no-list' })] })),
    ...row('listed', 'get', 'local', (state, { numbers }) => get(state, state.list, numbers)),
    ...row(['fresh', 'listed', 'looking'], 'get-path', 'local', (state, { path }) => ({
      state,
      effects: [{ type: 'hand-over', files: [{ path }] }],
    })),
    ...row('looking', 'browse-number', 'local', busy),
    ...row('looking', 'more', 'local', busy),
    ...row('looking', 'get', 'local', (state, { numbers }) =>
      state.list === undefined ? busy(state) : get(state, state.list, numbers),
    ),

    ...row('looking', 'found', 'XEP-0059 §2.1', (state, { page }) => found(state, page)),
    ...row('looking', 'not-there', 'local', (state) => ({
      state: before(state),
      effects: [say({ type: 'not-there' })],
    })),
    ...row('looking', 'failed', 'local', (state, { reason }) => ({
      state: before(state),
      effects: [say({ type: 'failed', reason })],
    })),

    ...row(OPEN, 'stop', 'local', (state) => ({
      state,
      effects: [{ type: 'withdraw' }, say({ type: 'stopped' })],
    })),
    ...row('looking', 'stop', 'local', (state) => ({
      state: before(state),
      effects: [{ type: 'abandon' }, { type: 'withdraw' }, say({ type: 'stopped' })],
    })),
    // Files that are on their way go on: who waits for a large one says nothing for long.
    ...row(OPEN, 'expire', 'local', () => ({ state: { type: 'over' } })),
    ...row('looking', 'expire', 'local', () => ({ state: { type: 'over' }, effects: [{ type: 'abandon' }] })),
  ],
);

function listOf(state: ConversationState): { list?: ShownList } {
  return 'list' in state && state.list !== undefined ? { list: state.list } : {};
}

/** What it was before we looked. */
function before(state: Extract<ConversationState, { type: 'looking' }>): ConversationState {
  return state.list === undefined ? { type: 'fresh' } : { type: 'listed', list: state.list };
}

function look(state: ConversationState, subject: Subject): Next {
  return {
    state: { type: 'looking', subject, ...listOf(state), continues: false },
    effects: [{ type: 'look', subject }],
  };
}

function instead(state: ConversationState, subject: Subject): Next {
  const { state: next, effects = [] } = look(state, subject);
  return { state: next, effects: [{ type: 'abandon' }, ...effects] };
}

function busy(state: ConversationState): Next {
  return { state, effects: [say({ type: 'busy' })] };
}

function more(state: Extract<ConversationState, { type: 'listed' }>): Next {
  const { list } = state;
  const { subject, next } = list;
  if (next === undefined) return { state, effects: [say({ type: 'no-more' })] };
  return {
    state: { type: 'looking', subject, list, continues: true },
    effects: [{ type: 'look', subject, after: next }],
  };
}

function found(state: Extract<ConversationState, { type: 'looking' }>, page: FoundPage): Next {
  const { subject, list, continues } = state;
  const { items, total, next, pending } = page;
  const shown = continues ? list : undefined;
  if (items.length === 0) {
    const saying: Saying =
      shown && pending === 0 ? { type: 'no-more' } : { type: 'nothing', subject, pending };
    return { state: before(state), effects: [say(saying)] };
  }
  const first = shown === undefined ? 1 : shown.first + shown.items.length;
  const all = [...(shown?.items ?? []), ...items];
  const kept = all.slice(-MAX_SHOWN);
  const now: ShownList = {
    subject,
    items: kept,
    first: first + items.length - kept.length,
    total,
    ...(next !== undefined && { next }),
  };
  return {
    state: { type: 'listed', list: now },
    effects: [say({ type: 'page', subject, items, first, total, pending, hasMore: next !== undefined })],
  };
}

function browseNumber(state: ConversationState, list: ShownList, number: number): Next {
  const item = list.items[number - list.first];
  if (item === undefined) return { state, effects: [say(noSuchNumber(list, number))] };
  if (item.type === 'file') return { state, effects: [say({ type: 'is-file', number })] };
  return look(state, { type: 'browse', folder: item.path });
}

/** All of them, or a word about the first that can't be had. */
function get(state: ConversationState, list: ShownList, numbers: readonly number[]): Next {
  if (numbers.length > MAX_GETS) {
    return { state, effects: [say({ type: 'too-many-at-once', max: MAX_GETS })] };
  }
  const files: WantedPath[] = [];
  for (const number of numbers) {
    const item = list.items[number - list.first];
    if (item === undefined) return { state, effects: [say(noSuchNumber(list, number))] };
    if (item.type === 'folder') return { state, effects: [say({ type: 'is-folder', number })] };
    files.push({ path: item.path, number });
  }
  return { state, effects: [{ type: 'hand-over', files }] };
}

function noSuchNumber({ first, items }: ShownList, number: number): Saying {
  return { type: 'no-such-number', number, first, last: first + items.length - 1 };
}

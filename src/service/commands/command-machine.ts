/** The phases of one execution of a command (XEP-0050 §3.3, §3.4): pages shown, and work between them. */
import { defineMachine, rowsOf } from '../../machine.js';
import type { DataForm } from '../../stanza/xep0004-data-forms.js';
import type { CommandNote, OfferedAction } from '../../stanza/xep0050-commands.js';
import { refilled, type Stage } from './command.js';

/** `before` are the pages that one can go back to, the first one first. */
export type CommandState =
  | { readonly type: 'shown'; readonly stage: Stage; readonly before: readonly Stage[] }
  | { readonly type: 'working'; readonly stage: Stage; readonly before: readonly Stage[] }
  | { readonly type: 'over' };

export type CommandEvent =
  | { readonly type: 'forward'; readonly action: 'next' | 'complete' | 'execute'; readonly form: DataForm }
  | { readonly type: 'back' }
  | { readonly type: 'cancel' }
  /** The work led to a page. */
  | { readonly type: 'reached'; readonly stage: Stage }
  /** It led nowhere. */
  | { readonly type: 'again'; readonly note: CommandNote }
  | { readonly type: 'expired' };

export type CommandEffect =
  | { readonly type: 'show'; readonly stage: Stage; readonly canGoBack: boolean; readonly note?: CommandNote }
  | { readonly type: 'complete'; readonly stage: Stage }
  | { readonly type: 'work'; readonly stage: Stage; readonly form: DataForm }
  | { readonly type: 'stop-work' }
  | { readonly type: 'canceled' }
  | { readonly type: 'refuse'; readonly why: 'bad-action' | 'busy' };

/** Deeper than people go; pages hold what was found. */
export const MAX_BACK = 16;

const on = rowsOf<CommandState, CommandEvent, CommandEffect>();

export const commandMachine = defineMachine<CommandState, CommandEvent, CommandEffect>('command', [
  ...on('shown', 'forward', 'XEP-0050 §3.4', (state, { action, form }) => {
    const { stage } = state;
    if (action !== 'execute' && action !== buttonOf(stage)) return refused(state, 'bad-action');
    return {
      state: { type: 'working', stage: refilled(stage, form), before: state.before },
      effects: [{ type: 'work', stage, form }],
    };
  }),
  ...on('shown', 'back', 'XEP-0050 §2.4', (state) => {
    const stage = state.before.at(-1);
    if (stage === undefined) return refused(state, 'bad-action');
    return shown(stage, state.before.slice(0, -1));
  }),
  ...on(['shown', 'working'], 'cancel', 'XEP-0050 §2.4', (state) => ({
    state: { type: 'over' },
    effects: [
      ...(state.type === 'working' ? [{ type: 'stop-work' } as const] : []),
      { type: 'canceled' } as const,
    ],
  })),
  ...on(['shown', 'working'], 'expired', 'XEP-0050 §3.3', (state) => ({
    state: { type: 'over' },
    effects: state.type === 'working' ? [{ type: 'stop-work' }] : [],
  })),
  ...on('working', 'forward', 'local', (state) => refused(state, 'busy')),
  ...on('working', 'back', 'local', (state) => refused(state, 'busy')),
  ...on('working', 'reached', 'XEP-0050 §2.4', ({ stage: from, before }, { stage }) =>
    stage.submit === undefined
      ? { state: { type: 'over' }, effects: [{ type: 'complete', stage }] }
      : shown(stage, [...before, from].slice(-MAX_BACK)),
  ),
  ...on('working', 'again', 'local', ({ stage, before }, { note }) => shown(stage, before, note)),
]);

/** What a page lets one do next, beside going back. */
export function buttonOf(stage: Stage): Exclude<OfferedAction, 'prev'> {
  return stage.button ?? 'next';
}

function shown(stage: Stage, before: readonly Stage[], note?: CommandNote) {
  const effect = { type: 'show', stage, canGoBack: before.length > 0, ...(note && { note }) } as const;
  return { state: { type: 'shown', stage, before } as const, effects: [effect] };
}

function refused<S extends CommandState>(state: S, why: 'bad-action' | 'busy') {
  return { state, effects: [{ type: 'refuse', why } as const] };
}

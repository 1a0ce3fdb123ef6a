/** One execution of a command: does what `command-machine.ts` decides, and says what the asker sees next. */
import type { Refusals } from '../../access/refusals.js';
import { LimitError, ParseError, type ShoalError } from '../../errors.js';
import type { Jid } from '../../stanza/jid.js';
import { StanzaError, toStanzaError } from '../../stanza/stanza-error.js';
import type { DataForm } from '../../stanza/xep0004-data-forms.js';
import {
  type CommandAnswer,
  type CommandNote,
  type CommandRequest,
  commandError,
} from '../../stanza/xep0050-commands.js';
import { problem, type Stage } from './command.js';
import {
  buttonOf,
  type CommandEffect,
  type CommandEvent,
  type CommandState,
  commandMachine,
} from './command-machine.js';

export interface CommandSessionInit {
  readonly id: string;
  readonly nodeId: string;
  /** The full address it is with. */
  readonly from: Jid;
  readonly stage: Stage;
  /** Is told of limits that the asker is over: it hears of them in notes. */
  readonly refusals?: Pick<Refusals, 'count'>;
}

const EMPTY_FORM: DataForm = { type: 'submit', fields: [] };

export class CommandSession {
  readonly id: string;
  readonly nodeId: string;
  readonly from: Jid;
  /** By the monotonic clock. */
  usedAtMs = 0;
  readonly #stopped = new AbortController();
  readonly #first: Stage;
  readonly #refusals: Pick<Refusals, 'count'> | undefined;
  #state: CommandState;

  constructor({ id, nodeId, from, stage, refusals }: CommandSessionInit) {
    this.#refusals = refusals;
    this.id = id;
    this.nodeId = nodeId;
    this.from = from;
    this.#first = stage;
    this.#state = stage.submit === undefined ? { type: 'over' } : { type: 'shown', stage, before: [] };
  }

  get isOver(): boolean {
    return this.#state.type === 'over';
  }

  /** What its beginning is answered with. */
  current(): CommandAnswer {
    return this.isOver ? this.#completed(this.#first) : this.#executing(this.#first, false);
  }

  /** Nobody comes back to it. */
  expire(): void {
    if (!this.isOver) this.#step({ type: 'expired' });
  }

  /** Throws StanzaError, and whatever the command fails with that it should not. */
  async take(request: CommandRequest, signal: AbortSignal): Promise<CommandAnswer> {
    return await this.#answer(this.#step(eventOf(request)), signal);
  }

  #step(event: CommandEvent): readonly CommandEffect[] {
    const step = commandMachine.step(this.#state, event);
    if (step === undefined) throw commandError('bad-action');
    this.#state = step.state;
    if (step.effects.some((effect) => effect.type === 'stop-work')) this.#stopped.abort();
    return step.effects;
  }

  async #answer(effects: readonly CommandEffect[], signal: AbortSignal): Promise<CommandAnswer> {
    const effect = effects.find((each) => each.type !== 'stop-work');
    switch (effect?.type) {
      case 'show':
        return this.#executing(effect.stage, effect.canGoBack, effect.note);
      case 'complete':
        return this.#completed(effect.stage);
      case 'canceled':
        return { nodeId: this.nodeId, sessionId: this.id, status: 'canceled', notes: [] };
      case 'work':
        return await this.#work(effect.stage, effect.form, signal);
      case 'refuse':
        if (effect.why === 'busy')
          throw new StanzaError('unexpected-request', 'the last step is not over yet');
        throw commandError('bad-action');
      default:
        throw commandError('session-expired');
    }
  }

  async #work(stage: Stage, form: DataForm, signal: AbortSignal): Promise<CommandAnswer> {
    let event: CommandEvent;
    try {
      const reached = await stage.submit?.(form, AbortSignal.any([signal, this.#stopped.signal]));
      event = outcomeOf(reached);
    } catch (error) {
      if (error instanceof LimitError) this.#refusals?.count(error.bound, this.from);
      if (this.isOver) throw commandError('session-expired');
      const effects = this.#step({ type: 'again', note: problem(textOf(error)) });
      if (!isExpected(error)) throw error;
      return await this.#answer(effects, signal);
    }
    if (this.isOver) throw commandError('session-expired'); // it was cancelled meanwhile
    return await this.#answer(this.#step(event), signal);
  }

  #executing(stage: Stage, canGoBack: boolean, note?: CommandNote): CommandAnswer {
    const button = buttonOf(stage);
    return {
      nodeId: this.nodeId,
      sessionId: this.id,
      status: 'executing',
      actions: { execute: button, offered: canGoBack ? ['prev', button] : [button] },
      ...(stage.form && { form: stage.form }),
      notes: note === undefined ? stage.notes : [note],
    };
  }

  #completed({ form, notes }: Stage): CommandAnswer {
    return { nodeId: this.nodeId, sessionId: this.id, status: 'completed', ...(form && { form }), notes };
  }
}

function eventOf({ action, form = EMPTY_FORM }: CommandRequest): CommandEvent {
  switch (action) {
    case 'prev':
      return { type: 'back' };
    case 'cancel':
      return { type: 'cancel' };
    default:
      // §3.5: a form of the type 'cancel' counts as submitted.
      return { type: 'forward', action, form: { ...form, type: 'submit' } };
  }
}

function outcomeOf(reached: Stage | CommandNote | undefined): CommandEvent {
  if (reached === undefined) return { type: 'reached', stage: { notes: [] } };
  return 'text' in reached ? { type: 'again', note: reached } : { type: 'reached', stage: reached };
}

/** Faults of what was filled in, and what we would tell of at any other door. */
function isExpected(error: unknown): error is ShoalError {
  return error instanceof StanzaError || error instanceof ParseError || error instanceof LimitError;
}

function textOf(error: unknown): string {
  const { text, condition } = toStanzaError(error);
  return text ?? condition;
}

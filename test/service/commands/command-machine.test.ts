import assert from 'node:assert/strict';
import { info, type Stage } from '../../../src/service/commands/command.js';
import {
  type CommandEvent,
  type CommandState,
  commandMachine,
  MAX_BACK,
} from '../../../src/service/commands/command-machine.js';
import { describeTable } from '../../support/machine-table.js';

const FORM = { type: 'submit', fields: [] } as const;
const PAGE: Stage = { notes: [], submit: () => info('') };

const states: CommandState[] = [
  { type: 'shown', stage: PAGE, before: [PAGE] },
  { type: 'working', stage: PAGE, before: [] },
  { type: 'over' },
];
const events: CommandEvent[] = [
  { type: 'forward', action: 'next', form: FORM },
  { type: 'back' },
  { type: 'cancel' },
  { type: 'reached', stage: PAGE },
  { type: 'again', note: info('again') },
  { type: 'expired' },
];

describeTable(
  commandMachine,
  { states, events },
  {
    shown: { forward: 'working work', back: 'shown show', cancel: 'over canceled', expired: 'over' },
    working: {
      forward: 'working refuse',
      back: 'working refuse',
      cancel: 'over stop-work canceled',
      expired: 'over stop-work',
      reached: 'shown show',
      again: 'shown show',
    },
  },
);

describe('the phases of a command', () => {
  const step = (state: CommandState, event: CommandEvent) =>
    commandMachine.step(state, event) ?? assert.fail(`no row for ${event.type} in ${state.type}`);

  it('go back no further than to the first page, and not by an action that was not offered', () => {
    const first: CommandState = { type: 'shown', stage: PAGE, before: [] };
    assert.deepEqual(step(first, { type: 'back' }).effects, [{ type: 'refuse', why: 'bad-action' }]);
    const complete = { type: 'forward', action: 'complete', form: FORM } as const;
    assert.deepEqual(step(first, complete).effects, [{ type: 'refuse', why: 'bad-action' }]);
    const last: CommandState = { ...first, stage: { ...PAGE, button: 'complete' } };
    assert.equal(step(last, complete).state.type, 'working');
    assert.equal(step(last, { ...complete, action: 'execute' }).state.type, 'working');
  });

  it('remember what was filled in, for who comes back', () => {
    const form = { type: 'form', fields: [{ var: 'text', values: [] }] } as const;
    const shown: CommandState = { type: 'shown', stage: { ...PAGE, form }, before: [] };
    const filled = { type: 'submit', fields: [{ var: 'text', values: ['romeo'] }] } as const;
    const { state } = step(shown, { type: 'forward', action: 'next', form: filled });
    const { state: second } = step(state, { type: 'reached', stage: PAGE });
    const { state: back } = step(second, { type: 'back' });
    assert.ok(back.type === 'shown');
    assert.deepEqual(back.stage.form?.fields, [{ var: 'text', values: ['romeo'] }]);
  });

  it('hold a bounded number of pages', () => {
    let state: CommandState = { type: 'shown', stage: PAGE, before: [] };
    for (let at = 0; at < 3 * MAX_BACK; at += 1) {
      state = step(state, { type: 'forward', action: 'next', form: FORM }).state;
      state = step(state, { type: 'reached', stage: PAGE }).state;
    }
    assert.ok(state.type === 'shown' && state.before.length === MAX_BACK);
  });
});

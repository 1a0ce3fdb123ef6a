import assert from 'node:assert/strict';
import { type ChannelEvent, type ChannelState, channelMachine } from '../../src/channel/channel-machine.js';
import { describeTable } from '../support/machine-table.js';

const STATES: readonly ChannelState[] = [
  { type: 'offline', first: true },
  { type: 'subscribing', first: true, attempt: 0 },
  { type: 'creating', first: true, attempt: 0 },
  { type: 'subscribed' },
  { type: 'waiting', first: true, attempt: 1, reason: 'no' },
  { type: 'stopped' },
];

const EVENTS: readonly ChannelEvent[] = [
  { type: 'online' },
  { type: 'resumed' },
  { type: 'offline' },
  { type: 'subscription-confirmed' },
  { type: 'no-such-node' },
  { type: 'node-created' },
  { type: 'refused', reason: 'no' },
  { type: 'retry-due' },
  { type: 'node-deleted' },
  { type: 'subscription-ended' },
  { type: 'subscription-approved' },
  { type: 'stop' },
];

describeTable(
  channelMachine,
  { states: STATES, events: EVENTS },
  {
    offline: {
      online: 'subscribing subscribe',
      resumed: 'subscribing subscribe',
      offline: 'offline',
      stop: 'stopped cancel-retry',
    },
    subscribing: {
      online: 'subscribing cancel-retry subscribe',
      resumed: 'subscribing',
      offline: 'offline cancel-retry',
      'subscription-confirmed': 'subscribed fetch-items',
      'no-such-node': 'creating create',
      refused: 'waiting retry-after',
      stop: 'stopped cancel-retry',
    },
    creating: {
      online: 'subscribing cancel-retry subscribe',
      resumed: 'creating',
      offline: 'offline cancel-retry',
      'node-created': 'subscribing subscribe',
      refused: 'waiting retry-after',
      stop: 'stopped cancel-retry',
    },
    subscribed: {
      online: 'subscribing subscribe',
      resumed: 'subscribed',
      offline: 'offline',
      'node-deleted': 'waiting retry-after',
      'subscription-ended': 'waiting retry-after',
      stop: 'stopped cancel-retry',
    },
    waiting: {
      online: 'subscribing cancel-retry subscribe',
      resumed: 'waiting',
      offline: 'offline cancel-retry',
      'retry-due': 'subscribing subscribe',
      'subscription-approved': 'subscribing cancel-retry subscribe',
      stop: 'stopped cancel-retry',
    },
  },
);

describe('channel machine', () => {
  it('takes what lies on the channel for history the first time, and for missed news after a reconnect', () => {
    const walk = (events: readonly ChannelEvent[]) => {
      let state: ChannelState = { type: 'offline', first: true };
      const fetched: string[] = [];
      for (const event of events) {
        const step = channelMachine.step(state, event);
        assert.ok(step, event.type);
        state = step.state;
        for (const effect of step.effects) if (effect.type === 'fetch-items') fetched.push(effect.as);
      }
      return fetched;
    };
    const confirmed: ChannelEvent = { type: 'subscription-confirmed' };
    assert.deepEqual(walk([{ type: 'online' }, { type: 'offline' }, { type: 'online' }, confirmed]), [
      'history',
    ]);
    assert.deepEqual(
      walk([{ type: 'online' }, confirmed, { type: 'offline' }, { type: 'online' }, confirmed]),
      ['history', 'missed'],
    );
  });
});

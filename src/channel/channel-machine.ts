/**
 * The subscription to one channel, from the moment we are online until the service has
 * confirmed it, and again after every reconnect. Pure; `channel.ts` performs the effects.
 */
import { defineMachine, rowsOf } from '../machine.js';

/** `attempt` counts failures in a row. `first` is true until this process has been subscribed once. */
export type ChannelState =
  | { readonly type: 'offline'; readonly first: boolean }
  | { readonly type: 'subscribing'; readonly first: boolean; readonly attempt: number }
  | { readonly type: 'creating'; readonly first: boolean; readonly attempt: number }
  | { readonly type: 'subscribed' }
  /** The service wants its owner to agree (§6.1.3.3), or it refused, or was not there: we ask again later. */
  | { readonly type: 'waiting'; readonly first: boolean; readonly attempt: number; readonly reason: string }
  | { readonly type: 'stopped' };

export type ChannelEvent =
  | { readonly type: 'online' }
  | { readonly type: 'resumed' }
  | { readonly type: 'offline' }
  | { readonly type: 'subscription-confirmed' }
  | { readonly type: 'no-such-node' }
  | { readonly type: 'node-created' }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'retry-due' }
  /** A notification said that the node was deleted (§8.4.2). */
  | { readonly type: 'node-deleted' }
  /** A notification said that our subscription was ended (§13.14), or that it was approved. */
  | { readonly type: 'subscription-ended' }
  | { readonly type: 'subscription-approved' }
  | { readonly type: 'stop' };

export type ChannelEffect =
  | { readonly type: 'subscribe' }
  | { readonly type: 'create' }
  /** Take note of what lies on the channel: as history the first time, as news that we missed later. */
  | { readonly type: 'fetch-items'; readonly as: 'history' | 'missed' }
  | { readonly type: 'retry-after'; readonly attempt: number }
  | { readonly type: 'cancel-retry' };

const row = rowsOf<ChannelState, ChannelEvent, ChannelEffect>();

export const channelMachine = defineMachine<ChannelState, ChannelEvent, ChannelEffect>('channel', [
  ...row('offline', 'online', 'XEP-0060 §6.1', ({ first }) => ({
    state: { type: 'subscribing', first, attempt: 0 },
    effects: [{ type: 'subscribe' }],
  })),
  ...row(['subscribing', 'creating', 'waiting'], 'online', 'local', ({ first }) => ({
    state: { type: 'subscribing', first, attempt: 0 },
    effects: [{ type: 'cancel-retry' }, { type: 'subscribe' }],
  })),
  ...row('subscribed', 'online', 'XEP-0060 §6.1: subscribing twice is harmless', () => ({
    state: { type: 'subscribing', first: false, attempt: 0 },
    effects: [{ type: 'subscribe' }],
  })),
  // Before the first stream there is nothing to resume; a resumed one lost nothing (XEP-0198 §5).
  ...row('offline', 'resumed', 'XEP-0198 §5', ({ first }) => ({
    state: { type: 'subscribing', first, attempt: 0 },
    effects: [{ type: 'subscribe' }],
  })),
  ...row(['subscribing', 'creating', 'waiting'], 'resumed', 'XEP-0198 §5', (state) => ({ state })),
  ...row('subscribed', 'resumed', 'XEP-0198 §5', (state) => ({ state })),
  ...row(['subscribing', 'creating', 'waiting'], 'offline', 'local', ({ first }) => ({
    state: { type: 'offline', first },
    effects: [{ type: 'cancel-retry' }],
  })),
  ...row('subscribed', 'offline', 'local', () => ({ state: { type: 'offline', first: false } })),
  ...row('offline', 'offline', 'local', (state) => ({ state })),
  ...row('subscribing', 'subscription-confirmed', 'XEP-0060 §6.1.2', ({ first }) => ({
    state: { type: 'subscribed' },
    effects: [{ type: 'fetch-items', as: first ? 'history' : 'missed' }],
  })),
  ...row('subscribing', 'no-such-node', 'XEP-0060 §6.1.3.12', ({ first, attempt }) => ({
    state: { type: 'creating', first, attempt },
    effects: [{ type: 'create' }],
  })),
  ...row('creating', 'node-created', 'XEP-0060 §8.1.2', ({ first, attempt }) => ({
    state: { type: 'subscribing', first, attempt },
    effects: [{ type: 'subscribe' }],
  })),
  ...row(['subscribing', 'creating'], 'refused', 'XEP-0060 §6.1.3', ({ first, attempt }, { reason }) => ({
    state: { type: 'waiting', first, attempt: attempt + 1, reason },
    effects: [{ type: 'retry-after', attempt: attempt + 1 }],
  })),
  ...row('waiting', 'retry-due', 'local', ({ first, attempt }) => ({
    state: { type: 'subscribing', first, attempt },
    effects: [{ type: 'subscribe' }],
  })),
  ...row('subscribed', 'node-deleted', 'XEP-0060 §8.4.2', () => ({
    state: { type: 'waiting', first: false, attempt: 1, reason: 'the channel was deleted' },
    effects: [{ type: 'retry-after', attempt: 1 }],
  })),
  ...row('subscribed', 'subscription-ended', 'XEP-0060 §13.14', () => ({
    state: { type: 'waiting', first: false, attempt: 1, reason: 'the service ended the subscription' },
    effects: [{ type: 'retry-after', attempt: 1 }],
  })),
  ...row('waiting', 'subscription-approved', 'XEP-0060 §8.6', ({ first, attempt }) => ({
    state: { type: 'subscribing', first, attempt },
    effects: [{ type: 'cancel-retry' }, { type: 'subscribe' }],
  })),
  ...row(['offline', 'subscribing', 'creating', 'subscribed', 'waiting'], 'stop', 'local', () => ({
    state: { type: 'stopped' },
    effects: [{ type: 'cancel-retry' }],
  })),
]);

/**
 * Asks for files until it is told to stop: nodes that keep questions tell of news themselves; because of the others,
 * and of what was missed, it asks again, after longer and longer times.
 */
import type { AnswerEvent, ChannelAsker } from '../channel/channel-asker.js';
import { sleep } from '../clock.js';
import { OfflineError } from '../entity/entity.js';
import { ParseError, TimeoutError } from '../errors.js';
import type { FileCriteria } from '../stanza/file-criteria.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import type { Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { type KeptAtNodeComponents, keptAtNode } from './kept-at-node.js';
import { FAILURE_TIMES, PollTimes, type PollTimesInit, WISH_TIMES } from './poll-times.js';

export interface Wish {
  readonly criteria: FileCriteria;
  /** Asks this node alone, and no channel. */
  readonly to?: Jid;
  readonly channels: readonly ChannelAddress[];
  /** Files wanted of each node, each time it is asked. */
  readonly maxFiles: number;
}

export type WishEvent =
  | AnswerEvent
  /** It is asked again after so long; nodes that can keep it until then. */
  | { readonly type: 'asking'; readonly againMs: number }
  /** It could not be asked; `error` says why. */
  | { readonly type: 'unreached'; readonly error: Error; readonly againMs: number };

export interface KeepAskingComponents extends KeptAtNodeComponents {
  readonly asker: Pick<ChannelAsker, 'ask' | 'askNode'>;
  /** From 0 (inclusive) to 1. */
  readonly random: () => number;
}

/** Ends when `signal` aborts. What can't be asked now is tried again: only a fault in the program is thrown. */
export async function* keepAsking(
  components: KeepAskingComponents,
  wish: Wish,
  signal: AbortSignal,
  init: PollTimesInit = WISH_TIMES,
): AsyncGenerator<WishEvent> {
  const { asker, clock, entity, random } = components;
  const times = new PollTimes(init, random);
  const failures = new PollTimes(FAILURE_TIMES, random);
  const { criteria, maxFiles, channels, to } = wish;
  let round = new AbortController();
  // With a new session we may have a new address, and what was sent to the old one is lost.
  const unregister = entity.onEvent((event) => {
    if (event.type === 'online' && !event.resumed) round.abort();
  });
  try {
    while (!signal.aborted) {
      if (round.signal.aborted) times.reset();
      round = new AbortController();
      const until = AbortSignal.any([signal, round.signal]);
      let pauseMs = times.next();
      const question = { criteria, maxFiles, waitMs: pauseMs, keep: true } as const;
      const endMs = clock.monotonic() + pauseMs;
      try {
        yield { type: 'asking', againMs: pauseMs };
        const answers =
          to === undefined
            ? asker.ask(channels, question, until)
            : keptAtNode(components, to, question, until);
        for await (const event of answers) yield event;
        failures.reset();
        pauseMs = Math.max(0, endMs - clock.monotonic());
      } catch (error) {
        if (until.aborted) continue;
        if (!isPassing(error)) throw error;
        pauseMs = failures.next();
        times.reset(); // what was missed meanwhile is more than usual
        yield { type: 'unreached', error, againMs: pauseMs };
      }
      await sleep(clock, pauseMs, until).catch(() => undefined); // there is news, or it is over
    }
  } finally {
    unregister();
  }
}

function isPassing(error: unknown): error is Error {
  return [OfflineError, TimeoutError, StanzaError, ParseError].some((kind) => error instanceof kind);
}

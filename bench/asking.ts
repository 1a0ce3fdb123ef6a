/** Asks as `shoal find` does, without its random delay of answers: one node by iq, or a channel. */
import { setTimeout as pause } from 'node:timers/promises';
import { type AnswerEvent, ChannelAsker } from '../src/channel/channel-asker.js';
import { systemClock } from '../src/clock.js';
import type { Entity } from '../src/entity/entity.js';
import { silentLog } from '../src/log.js';
import type { FileCriteria } from '../src/stanza/file-criteria.js';
import type { ChannelAddress, Found } from '../src/stanza/file-discovery.js';
import type { BareJid } from '../src/stanza/jid.js';

const PAGE_FILES = 100;
const MAX_ANSWERS = 1000;
/** Between two looks at whether a change has come through. */
const POLL_MS = 10;
/** Nothing that is waited for takes so long unless something is wrong. */
const PATIENCE_MS = 10 * 60_000;

/** All files. */
export const EVERYTHING: FileCriteria = { sizeMin: 0 };

export function words(text: string): FileCriteria {
  return { text: [text] };
}

export class Asking {
  readonly entity: Entity;
  readonly #channels: ChannelAsker;

  constructor(entity: Entity) {
    this.entity = entity;
    this.#channels = new ChannelAsker(
      { entity, clock: systemClock, log: silentLog },
      { spreadMs: 0, pageFiles: PAGE_FILES, maxAnswers: MAX_ANSWERS },
    );
  }

  async start(): Promise<void> {
    await this.#channels.start();
    await this.entity.start();
  }

  async stop(): Promise<void> {
    await this.#channels.stop();
    await this.entity.stop();
  }

  /** The first page of a node's answer; undefined when there is nobody, or it refuses. */
  async ask(node: BareJid, criteria: FileCriteria, maxFiles: number): Promise<Found | undefined> {
    const question = { criteria, maxFiles, waitMs: PATIENCE_MS };
    for await (const event of this.#channels.askNode(node, question)) return foundIn(event);
    return undefined;
  }

  /** Asks again and again. Resolves with the time, by `performance.now`, of the first answer that is right. */
  async until(
    node: BareJid,
    criteria: FileCriteria,
    isRight: (found: Found) => boolean,
    maxFiles = 1,
  ): Promise<number> {
    const givesUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = await this.ask(node, criteria, maxFiles);
      const now = performance.now();
      if (found && isRight(found)) return now;
      if (now > givesUpAt)
        throw new Error(`the right answer did not come; the last: ${JSON.stringify(found)}`);
      await pause(POLL_MS);
    }
  }

  /** Milliseconds from publishing to the first page of the last of `answers` nodes. */
  async askChannel(
    channel: ChannelAddress,
    criteria: FileCriteria,
    { maxFiles, answers }: { readonly maxFiles: number; readonly answers: number },
  ): Promise<number> {
    const from = new Set<string>();
    const began = performance.now();
    const question = { criteria, maxFiles, waitMs: 10_000 };
    for await (const event of this.#channels.ask([channel], question)) {
      if (event.type === 'refused') throw event.error;
      from.add(event.from);
      if (from.size === answers) return performance.now() - began;
    }
    throw new Error(`${from.size} nodes answered instead of ${answers}`);
  }
}

function foundIn(event: AnswerEvent): Found | undefined {
  return event.type === 'found' ? event.found : undefined;
}

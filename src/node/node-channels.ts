/** The channels that a node is on, which may become others while it runs. */
import { isDeepStrictEqual } from 'node:util';
import { Channel, type ChannelComponents } from '../channel/channel.js';
import type { ChannelConfig } from '../config/options.js';
import type { Startable } from '../startable.js';
import type { StandingQuestions } from '../wishes/standing-questions.js';
import type { ChannelStatus } from './node-status.js';
import { channelStatusOf } from './status-of-parts.js';

const RETRY_BASE_MS = 2_000;
const RETRY_MAX_MS = 5 * 60_000;
const MAX_ITEMS_FETCHED = 50; // as many as a channel of ours keeps

export interface NodeChannelsComponents extends ChannelComponents {
  /** Keeps questions of the channels that the node is on. */
  readonly standing?: Pick<StandingQuestions, 'setChannels'>;
}

export class NodeChannels implements Startable {
  readonly #components: NodeChannelsComponents;
  #channels: ReadonlyMap<ChannelConfig, Channel>;

  constructor(components: NodeChannelsComponents, configs: readonly ChannelConfig[]) {
    this.#components = components;
    this.#keepOnly(configs);
    this.#channels = new Map(configs.map((config) => [config, this.#channel(config)]));
  }

  /** Resolves when all that it is on now are joined. */
  get joined(): Promise<unknown> {
    return Promise.all([...this.#channels.values()].map(({ subscribed }) => subscribed));
  }

  status(): ChannelStatus[] {
    return [...this.#channels.values()].map(({ address, state }) => channelStatusOf(address, state));
  }

  async start(): Promise<void> {
    for (const channel of this.#channels.values()) await channel.start();
  }

  async stop(): Promise<void> {
    for (const channel of this.#channels.values()) await channel.stop();
  }

  /** Leaves those that are not among these, and joins those that are new; the others go on. */
  async set(configs: readonly ChannelConfig[]): Promise<void> {
    const before = [...this.#channels];
    const known = (config: ChannelConfig) => before.find(([each]) => isDeepStrictEqual(each, config))?.[1];
    const now = new Map(configs.map((config) => [config, known(config) ?? this.#channel(config)]));
    this.#channels = now;
    this.#keepOnly(configs);
    const staying = new Set(now.values());
    for (const [, channel] of before) {
      if (staying.has(channel)) continue;
      // One that has other options only is joined again below.
      const isStill = configs.some(
        ({ service, node }) => service === channel.address.service && node === channel.address.nodeId,
      );
      await (isStill ? channel.stop() : channel.leave());
    }
    const old = new Set(before.map(([, channel]) => channel));
    for (const channel of staying) if (!old.has(channel)) await channel.start();
  }

  #keepOnly(configs: readonly ChannelConfig[]): void {
    this.#components.standing?.setChannels((channel) =>
      configs.some(({ service, node }) => service === channel.service && node === channel.nodeId),
    );
  }

  #channel({ service, node, create, unsubscribeOnStop }: ChannelConfig): Channel {
    return new Channel(this.#components, {
      service,
      nodeId: node,
      create,
      unsubscribeOnStop,
      retryBaseMs: RETRY_BASE_MS,
      retryMaxMs: RETRY_MAX_MS,
      maxItemsFetched: MAX_ITEMS_FETCHED,
    });
  }
}

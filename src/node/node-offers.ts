/** The parts of a node that offer files in other ways than by Jingle: a chat, the ids of files, channels that are told. */
import { Announcer, type AnnouncerComponents } from '../channel/announcer.js';
import { ChatService, type ChatServiceComponents } from '../chat/chat-service.js';
import type { NodeConfig } from '../config/options.js';
import { PublishedFiles, type PublishedFilesComponents } from '../service/published-files.js';
import type { Startable } from '../startable.js';

export type NodeOffersComponents = ChatServiceComponents & PublishedFilesComponents & AnnouncerComponents;

export class NodeOffers implements Startable {
  readonly #parts: readonly Startable[];

  constructor(components: NodeOffersComponents, { limits, announce }: NodeConfig) {
    this.#parts = [
      new PublishedFiles(components),
      ...announce.map(({ node: nodeId, ...init }) => new Announcer(components, { ...init, nodeId })),
      ...(limits.conversations === 0 ? [] : [new ChatService(components, limits)]),
    ];
  }

  async start(): Promise<void> {
    for (const part of this.#parts) await part.start();
  }

  async stop(): Promise<void> {
    for (const part of [...this.#parts].reverse()) await part.stop();
  }
}

/** The parts of a node that offer files to who asks in other ways than by Jingle: a chat, and the ids of files. */
import { ChatService, type ChatServiceComponents } from '../chat/chat-service.js';
import type { NodeConfig } from '../config/options.js';
import { PublishedFiles, type PublishedFilesComponents } from '../service/published-files.js';
import type { Startable } from '../startable.js';

export type NodeOffersComponents = ChatServiceComponents & PublishedFilesComponents;

export class NodeOffers implements Startable {
  readonly #parts: readonly Startable[];

  constructor(components: NodeOffersComponents, { limits }: NodeConfig) {
    this.#parts = [
      new PublishedFiles(components),
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

/**
 * The parts of a node that offer files in other ways than by Jingle: a chat, the ids of files, channels that are told,
 * folders to subscribe to.
 */
import { join } from 'node:path';
import { Announcer, type AnnouncerComponents } from '../channel/announcer.js';
import { ChatService, type ChatServiceComponents } from '../chat/chat-service.js';
import type { NodeConfig } from '../config/options.js';
import { RealDataFolder } from '../fs/real-data-folder.js';
import { FolderNews, type FolderNewsComponents } from '../service/folder-news.js';
import { FolderNodes, type FolderNodesComponents } from '../service/folder-nodes.js';
import { FolderSubscriptions } from '../service/folder-subscriptions.js';
import { PublishedFiles, type PublishedFilesComponents } from '../service/published-files.js';
import type { Startable } from '../startable.js';

export type NodeOffersComponents = ChatServiceComponents &
  PublishedFilesComponents &
  AnnouncerComponents &
  Omit<FolderNodesComponents & FolderNewsComponents, 'subscriptions'>;

export class NodeOffers implements Startable {
  readonly #chat: ChatService | undefined;
  readonly #subscriptions: FolderSubscriptions;
  readonly #parts: readonly Startable[];

  constructor(components: NodeOffersComponents, { limits, announce, data }: NodeConfig) {
    const { clock, log } = components;
    const folder = new RealDataFolder(join(data, 'folders'));
    const subscriptions = new FolderSubscriptions({ clock, log, folder }, limits);
    this.#subscriptions = subscriptions;
    const withFolders = { ...components, subscriptions };
    const folders = [subscriptions, new FolderNodes(withFolders), new FolderNews(withFolders)];
    this.#chat = limits.conversations === 0 ? undefined : new ChatService(components, limits);
    this.#parts = [
      new PublishedFiles(components),
      ...announce.map(({ node: nodeId, ...init }) => new Announcer(components, { ...init, nodeId })),
      ...(limits.folderSubscriptions === 0 ? [] : folders),
      ...(this.#chat ? [this.#chat] : []),
    ];
  }

  /** What of it can be other while it runs. */
  setLimits({ limits }: Pick<NodeConfig, 'limits'>): void {
    this.#chat?.setLimits(limits);
    this.#subscriptions.setLimits(limits);
  }

  async start(): Promise<void> {
    for (const part of this.#parts) await part.start();
  }

  async stop(): Promise<void> {
    for (const part of [...this.#parts].reverse()) await part.stop();
  }
}

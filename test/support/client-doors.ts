/** The doors for programs and people that know nothing of ours, over files of a test: what {@link Doors} has of them. */
import type { AccessPolicy } from '../../src/access/access-policy.js';
import type { ReadonlyCatalogue } from '../../src/catalogue/catalogue.js';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import { keyOf } from '../../src/catalogue/file-entry.js';
import { isMade } from '../../src/catalogue/made-file.js';
import { toDisplay } from '../../src/catalogue/share-path.js';
import { ChatService } from '../../src/chat/chat-service.js';
import type { Clock } from '../../src/clock.js';
import { Disco } from '../../src/entity/disco.js';
import type { Entity, IqHandler, MessageHandler } from '../../src/entity/entity.js';
import { FileLinks } from '../../src/http/file-links.js';
import { LinkSeal } from '../../src/http/link-seal.js';
import type { FileSession, FileUpload } from '../../src/jingle/file-session.js';
import { silentLog } from '../../src/log.js';
import { BrowseCommand } from '../../src/service/commands/browse-command.js';
import { CommandService } from '../../src/service/commands/command-service.js';
import { FindCommand } from '../../src/service/commands/find-command.js';
import type { DirectQuestions } from '../../src/service/direct-questions.js';
import { FileOffers } from '../../src/service/file-offers.js';
import { FilesWalk } from '../../src/service/files-walk.js';
import { FolderNews } from '../../src/service/folder-news.js';
import { FolderNodes } from '../../src/service/folder-nodes.js';
import { FolderSubscriptions } from '../../src/service/folder-subscriptions.js';
import { PublishedFiles } from '../../src/service/published-files.js';
import { SearchService } from '../../src/service/search-service.js';
import type { ShareListing } from '../../src/service/share-listing.js';
import type { SharedFolders } from '../../src/service/shared-folders.js';
import { SharedTree } from '../../src/service/shared-tree.js';
import { type BareJid, type Jid, parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { discoInfoCodec, discoItemsCodec, discoQueryToXml } from '../../src/stanza/xep0030-disco.js';
import {
  type CommandAction,
  commandAnswerCodec,
  commandRequestCodec,
} from '../../src/stanza/xep0050-commands.js';
import { itemsOfResult, pubsubEventFromXml, pubsubRequestCodec } from '../../src/stanza/xep0060-pubsub.js';
import { retrieveToXml, TREE_NODE_ID } from '../../src/stanza/xep0135-file-sharing.js';
import { startCodec } from '../../src/stanza/xep0358-jinglepub.js';
import { folderNodeId, folderOfNodeId } from '../../src/stanza/xep0498-pubsub-file-sharing.js';
import { type Element, xml } from '../../src/stanza/xml.js';
import type { FileServer } from '../../src/transfer/send/file-server.js';
import { MemoryFolder } from './memory-folder.js';
import { pathsInTree } from './tree-file.js';

const UNBOUNDED = 1_000_000_000;
const NODE = parseJid('files.example.org');
const TAKES_FILES = [NS.jingle, NS.fileTransfer5, NS.jingleIbb];
const { signal } = new AbortController();

export interface ClientDoorsComponents {
  readonly access: AccessPolicy;
  readonly catalogue: ReadonlyCatalogue;
  readonly clock: Clock;
  readonly server: FileServer;
  readonly questions: DirectQuestions;
  readonly folders: SharedFolders;
  readonly listing: ShareListing;
}

export class ClientDoors {
  readonly links: FileLinks;
  readonly subscriptions: FolderSubscriptions;
  /** What subscribers heard: `+share/path` and `-share/path`. */
  readonly news = new Map<BareJid, string[]>();
  readonly #server: FileServer;
  readonly #parts: readonly { start(): Promise<void>; stop(): Promise<void> }[];
  readonly #handlers = new Map<string, IqHandler>();
  readonly #chat: ChatService;
  #onChat: MessageHandler = () => undefined;
  #said: (text: string) => void = () => undefined;
  #made: Buffer[] = [];
  /** The paths of files offered since it was looked at last. */
  #offered: string[] = [];

  constructor(components: ClientDoorsComponents) {
    const { access, catalogue, clock, server, questions, folders, listing } = components;
    const log = silentLog;
    const entity = this.#entity();
    const disco = new Disco({ entity }, { identities: [] });
    const offers = new FileOffers({
      folders,
      send: async (to, entry, until) => {
        await this.#offer(to, entry, until);
      },
    });
    const tree = new SharedTree({ access, catalogue, clock, listing, folders, questions });
    this.#server = server;
    this.links = new FileLinks(
      { access, catalogue, clock },
      { url: new URL('https://files.example.org/'), expireS: 3600 },
    );
    this.links.use(new LinkSeal(Buffer.alloc(32, 1)));
    const limits = {
      folderSubscriptions: UNBOUNDED,
      folderSubscriptionsPerAsker: UNBOUNDED,
      folderSubscriptionsPerDomain: UNBOUNDED,
    };
    this.subscriptions = new FolderSubscriptions({ clock, log, folder: new MemoryFolder() }, limits);
    const withFolders = { entity, access, catalogue, clock, log, disco, folders, ready: Promise.resolve() };
    const { subscriptions } = this;
    this.#chat = new ChatService(
      {
        ...{ entity, disco, clock, log, access, listing, folders, questions },
        offer: (to, entry, until) => this.#offer(to, entry, until),
      },
      {
        conversations: 100,
        conversationIdleMs: UNBOUNDED,
        chatAnswersPerPeerPerMinute: UNBOUNDED,
        chatAnswersPerDomainPerMinute: UNBOUNDED,
        chatAnswersPerMinute: UNBOUNDED,
      },
    );
    this.#parts = [
      disco,
      new SearchService({ entity, disco, questions }),
      new FilesWalk({ entity, disco, folders, offers, tree }),
      new CommandService({
        ...{ entity, disco, clock },
        commands: [new FindCommand({ questions, offers }), new BrowseCommand({ folders, offers })],
      }),
      new PublishedFiles({
        ...{ entity, disco, access, catalogue, folders, questions },
        files: server,
        jingle: { session: () => this.#session() },
      }),
      subscriptions,
      new FolderNodes({ ...withFolders, subscriptions }),
      new FolderNews({ ...withFolders, subscriptions }),
      this.#chat,
    ];
  }

  async start(): Promise<void> {
    for (const part of this.#parts) await part.start();
  }

  async stop(): Promise<void> {
    for (const part of [...this.#parts].reverse()) await part.stop();
  }

  /** The paths that a search window shows for all files of at least no bytes. */
  async searchWindow(asker: Jid): Promise<string[]> {
    const answer = await this.#ask('set', asker, xml('query', { xmlns: NS.search }, everySize()));
    const table = answer?.getChild('x', NS.dataForms);
    return (table?.getChildren('item') ?? []).map((row) => {
      const path = row.getChildren('field').find((field) => field.attrs.var === 'path');
      return path?.getChildText('value') ?? '';
    });
  }

  /** All files that are met by walking down the nodes of XEP-0135. */
  async discoWalk(asker: Jid, nodeId = 'files'): Promise<string[]> {
    const files: string[] = [];
    for (const below of await this.#itemsOf(asker, nodeId)) {
      if (below.nodeId === TREE_NODE_ID) continue;
      const info = await this.#ask('get', asker, discoQueryToXml('info', below.nodeId));
      const isFile = info?.getChild('identity')?.attrs.type === 'file';
      if (isFile) files.push((below.nodeId ?? '').slice('files/'.length));
      else files.push(...filled(await this.discoWalk(asker, below.nodeId ?? ''), below.nodeId));
    }
    return files;
  }

  /** All items of the nodes of XEP-0498. */
  async folderWalk(asker: Jid, nodeId = folderNodeId('') ?? ''): Promise<string[]> {
    const folder = folderOfNodeId(nodeId) ?? '';
    const prefix = folder === '' ? '' : `${folder}/`;
    const answer = await this.#ask('get', asker, pubsubRequestCodec.toXml({ type: 'items', nodeId }));
    const files = itemsOfResult(xml('iq', {}, answer)).map(({ id }) => `${prefix}${id}`);
    for (const below of await this.#itemsOf(asker, nodeId)) {
      if (below.nodeId === undefined) continue; // a file
      files.push(...filled(await this.folderWalk(asker, below.nodeId), below.nodeId));
    }
    return files;
  }

  /** The files that the command *Find a file* shows. */
  async findCommand(asker: Jid): Promise<string[]> {
    const { sessionId = '' } = await this.#command(asker, 'find', 'execute');
    const { form } = await this.#command(asker, 'find', 'next', sessionId, { 'size-min': '0' });
    return pathsOfLabels(labelsOf(form, 'files'));
  }

  /** Those that *Browse* does, from folder to folder. */
  async browseCommand(asker: Jid): Promise<string[]> {
    const begun = await this.#command(asker, 'browse', 'execute');
    const { sessionId = '' } = begun;
    const look = async ({ form }: typeof begun): Promise<string[]> => {
      const found = pathsOfLabels(labelsOf(form, 'files'));
      const folders = form?.fields.find((field) => field.var === 'folder')?.options ?? [];
      for (const { value } of folders) {
        const inner = await this.#command(asker, 'browse', 'next', sessionId, { folder: value });
        found.push(...filled(await look(inner), value));
        await this.#command(asker, 'browse', 'prev', sessionId);
      }
      return found;
    };
    return await look(begun);
  }

  async beginBrowsing(asker: Jid): Promise<{ sessionId: string; folders: string[] }> {
    const { sessionId = '', form } = await this.#command(asker, 'browse', 'execute');
    return { sessionId, folders: valuesOf(form, 'folder') };
  }

  /** The folders that are shown after this one was chosen, be it in the list or not. */
  async browseInto(asker: Jid, sessionId: string, folder: string): Promise<string[]> {
    const { form } = await this.#command(asker, 'browse', 'next', sessionId, { folder, files: folder });
    return valuesOf(form, 'folder');
  }

  /** The files that a chat lists for words, or from folder to folder where there are none. */
  async chatFind(asker: Jid, words: string): Promise<string[]> {
    return listed(await this.say(asker, `find ${words}`)).map(({ text }) => text);
  }

  async chatBrowse(asker: Jid, folder = ''): Promise<string[]> {
    const found: string[] = [];
    for (const { text, isFolder } of listed(await this.say(asker, `browse "${folder}"`))) {
      const path = folder === '' ? text : `${folder}/${text}`;
      if (isFolder) found.push(...filled(await this.chatBrowse(asker, path), path));
      else found.push(path);
    }
    return found;
  }

  /** The file that a chat offers by its path, or what it says. */
  async chatGet(asker: Jid, path: string): Promise<string | Error> {
    const text = await this.say(asker, `get "${path}"`);
    return this.#taken() ?? new Error(text);
  }

  /** The file that is offered for a `<retrieve/>` (XEP-0135), or for a `<start/>` (XEP-0358). */
  async retrieve(asker: Jid, path: string): Promise<string | Error> {
    return await this.#given('get', asker, retrieveToXml({ type: 'file', path }));
  }

  /** The files that are in the tree (XEP-0135). */
  async tree(asker: Jid): Promise<string[]> {
    const got = await this.#given('get', asker, retrieveToXml({ type: 'tree' }), () => 'offered');
    const content = got === 'offered' ? this.#made.splice(0)[0] : undefined;
    return content === undefined ? [] : pathsInTree(content.toString());
  }

  async published(asker: Jid, id: string): Promise<string | Error> {
    return await this.#given('get', asker, startCodec.toXml(id));
  }

  /** Whether a folder may be subscribed to, or how that is refused. */
  async details(asker: Jid, nodeId: string): Promise<string | Error> {
    return await this.#given('get', asker, discoQueryToXml('info', nodeId), () => 'shown');
  }

  /** An item of a folder's node by its name. */
  async item(asker: Jid, folder: string, name: string): Promise<string | Error> {
    const nodeId = folderNodeId(folder) ?? '';
    const items = xml('items', { node: nodeId }, xml('item', { id: name }));
    return await this.#given('get', asker, xml('pubsub', { xmlns: NS.pubsub }, items), () => 'shown');
  }

  /** What a link is followed to, as its server does. */
  async follow(target: string): Promise<string | Error> {
    const linked = this.links.fileOf(target);
    if (linked === undefined) return new Error('no such link');
    const { asker, entry } = linked;
    const { jid: peer, through } = asker;
    const file = {
      path: toDisplay(keyOf(entry)),
      hashes: [{ algo: 'sha-256', value: entry.sha256 } as const],
      hashesUsed: [],
    };
    try {
      const request = { peer, sid: 'http', file, ...(through && { through }) };
      const source = await this.#server.handle(request, signal);
      source.release({ type: 'success', bytes: 0 });
      return source.file.path ?? '';
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** What is answered in a chat; '' where nothing is. */
  async say(asker: Jid, body: string): Promise<string> {
    const answer = new Promise<string>((resolve) => {
      this.#said = resolve;
    });
    const { ignored } = this.#chat.counts();
    const stanza = xml('message', { from: asker, to: NODE, type: 'chat' }, xml('body', {}, body));
    this.#onChat({ from: asker, to: NODE, id: undefined, type: 'chat', stanza });
    return this.#chat.counts().ignored > ignored ? '' : await answer;
  }

  async #itemsOf(asker: Jid, nodeId: string) {
    const answer = await this.#ask('get', asker, discoQueryToXml('items', nodeId));
    return answer === undefined ? [] : discoItemsCodec.fromXml(answer).items;
  }

  async #command(
    asker: Jid,
    nodeId: string,
    action: CommandAction,
    sessionId?: string,
    values: Readonly<Record<string, string>> = {},
  ) {
    const fields = Object.entries(values).map(([name, value]) => ({ var: name, values: [value] }));
    const request = commandRequestCodec.toXml({
      ...{ nodeId, action, form: { type: 'submit', fields } },
      ...(sessionId !== undefined && { sessionId }),
    });
    const answer = await this.#ask('set', asker, request);
    if (answer === undefined) throw new Error('a command was not answered');
    return commandAnswerCodec.fromXml(answer);
  }

  async #ask(type: 'get' | 'set', from: Jid, payload: Element): Promise<Element | undefined> {
    const handler = this.#handlers.get(`${type} ${payload.getName()} ${payload.getNS()}`);
    if (handler === undefined) throw new Error(`nobody answers ${payload}`);
    return await handler({ from, to: NODE, id: '1', payload }, signal);
  }

  async #given(
    type: 'get' | 'set',
    from: Jid,
    payload: Element,
    got: () => string | undefined = () => this.#taken(),
  ): Promise<string | Error> {
    try {
      await this.#ask(type, from, payload);
      return got() ?? new Error('nothing was offered');
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #taken(): string | undefined {
    return this.#offered.splice(0)[0];
  }

  async #offer(to: Jid, entry: FileEntry, until: AbortSignal): Promise<FileUpload> {
    const source = await this.#server.source(entry, to, until);
    if (isMade(entry)) this.#made.push(entry.content);
    else this.#offered.push(source.file.path ?? '');
    source.release({ type: 'success', bytes: 0 });
    return { done: new Promise(() => undefined) } as unknown as FileUpload;
  }

  #session(): FileSession {
    const offer: FileSession['offer'] = (source) => {
      this.#offered.push(source.file.path ?? '');
      source.release({ type: 'success', bytes: 0 });
      return {} as unknown as FileUpload;
    };
    return { sid: 's', offer, begin: () => undefined } as unknown as FileSession;
  }

  /** As much of one as services need that are called by hand. */
  #entity(): Entity {
    return {
      jid: NODE,
      online: true,
      isOurs: (to: Jid) => to === NODE,
      request: async () => {
        return xml('iq', {}, discoInfoCodec.toXml({ identities: [], features: TAKES_FILES, forms: [] }));
      },
      send: (stanza: Element) => this.#heard(stanza),
      handleIq: (type: string, name: string, ns: string, handler: IqHandler) => {
        this.#handlers.set(`${type} ${name} ${ns}`, handler);
        return () => undefined;
      },
      handleMessage: (_name: string, _ns: string | undefined, handler: MessageHandler) => {
        this.#onChat = handler;
        return () => undefined;
      },
    } as unknown as Entity;
  }

  #heard(stanza: Element): void {
    const event = stanza.getChild('event', NS.pubsubEvent);
    if (event === undefined) {
      this.#said(stanza.getChildText('body') ?? '');
      return;
    }
    const to = String(stanza.attrs.to) as BareJid;
    const told = pubsubEventFromXml(event);
    if (told?.type !== 'items') return;
    const folder = folderOfNodeId(told.nodeId);
    const heard = this.news.get(to) ?? [];
    this.news.set(to, heard);
    heard.push(...told.items.map(({ id }) => `+${folder}/${id}`));
    heard.push(...told.retractedIds.map((id) => `-${folder}/${id}`));
  }
}

function everySize(): Element {
  const field = xml('field', { var: 'size-min' }, xml('value', {}, '0'));
  return xml('x', { xmlns: NS.dataForms, type: 'submit' }, field);
}

/** A folder without any file is a fault. */
function filled(files: string[], folder: string | undefined): string[] {
  if (files.length === 0) throw new Error(`'${folder}' is empty`);
  return files;
}

function valuesOf(form: ReturnType<typeof commandAnswerCodec.fromXml>['form'], name: string): string[] {
  const options = form?.fields.find((field) => field.var === name)?.options ?? [];
  return options.map(({ value }) => value);
}

function labelsOf(form: ReturnType<typeof commandAnswerCodec.fromXml>['form'], name: string): string[] {
  const options = form?.fields.find((field) => field.var === name)?.options ?? [];
  return options.map(({ label }) => label ?? '');
}

/** `name, 1 B (share/folder)`. */
function pathsOfLabels(labels: readonly string[]): string[] {
  return labels.map((label) => {
    const [, name, folder] = /^(.*), [\d.]+ k?B \((.*)\)$/su.exec(label) ?? [];
    return `${folder}/${name}`;
  });
}

/** The lines of a list that is said in a chat. */
function listed(text: string): { text: string; isFolder: boolean }[] {
  return text.split('\n').flatMap((line) => {
    const [, folder] = /^\d+\. (.*)\/$/u.exec(line) ?? [];
    if (folder !== undefined) return { text: folder, isFolder: true };
    const [, file] = /^\d+\. (.*) \([\d.]+ k?B\)$/u.exec(line) ?? [];
    return file === undefined ? [] : { text: file, isFolder: false };
  });
}

/**
 * Gives files to one asker: offers them by Jingle where its program takes that, and otherwise says a link to each, or how
 * else they are to be had. A file that may not be taken is not there, in the same words.
 */
import { type AccessPolicy, byRulesOfNow } from '../access/access-policy.js';
import type { Refusals } from '../access/refusals.js';
import { describeFile } from '../catalogue/file-description.js';
import { type FileEntry, nameOf } from '../catalogue/file-entry.js';
import type { Entity } from '../entity/entity.js';
import { LimitError, messageOf } from '../errors.js';
import { FileNotAvailableError, type FileUpload, SessionEndedError } from '../jingle/file-session.js';
import type { Log } from '../log.js';
import type { ShareListing } from '../service/share-listing.js';
import type { SharedFolders } from '../service/shared-folders.js';
import type { Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { type FileTransferNamespace, sharingOf } from '../stanza/xep0234-file-transfer.js';
import type { FileSharing } from '../stanza/xep0447-stateless-file-sharing.js';
import { fileSourcesOf } from '../transfer/file-sources.js';
import type { LinkMaker } from '../transfer/link-maker.js';
import type { WantedPath } from './conversation-machine.js';
import { type FileAbility, fileAbilityOf } from './peer-abilities.js';
import { limitReason, shown, textOf, withSize } from './saying.js';

/** Offers one of our files; `NetworkNode.offer` is one. Rejects as `offerFile` does. */
export type OfferFile = (
  to: Jid,
  entry: FileEntry,
  signal: AbortSignal,
  namespace: FileTransferNamespace,
) => Promise<FileUpload>;

export interface HandOverComponents {
  readonly entity: Pick<Entity, 'request'>;
  readonly access: AccessPolicy;
  readonly listing: Pick<ShareListing, 'fileAt'>;
  readonly folders: Pick<SharedFolders, 'look'>;
  readonly offer: OfferFile;
  /** Where nodes make links. */
  readonly links?: LinkMaker;
  /** Is told of those who are over a limit: they hear it in words. */
  readonly refusals?: Pick<Refusals, 'count'>;
  readonly log: Log;
}

export interface HandOverInit {
  /** A full address: where files go, and who asks for them. */
  readonly peer: Jid;
  /** Our address, as the peer knows it. */
  readonly self: Jid;
  /** Says something to the peer; with a link, that too. */
  readonly tell: (text: string, link?: GivenLink) => void;
}

/** A link, and what is behind it. */
export interface GivenLink {
  readonly url: URL;
  readonly sharing: FileSharing;
}

/** What is said where there is no link either. */
const NO_JINGLE: Readonly<Record<Exclude<FileAbility['type'], 'takes'>, string>> = {
  'takes-none':
    'Your client says that it takes no files by Jingle. Gajim, Dino, Conversations, Libervia and ‘shoal get’ do.',
  unknown:
    'Your client did not tell me whether it takes files by Jingle. Ask me again to have another try; Gajim, Dino, ' +
    'Conversations, Libervia and ‘shoal get’ do.',
};
/** A peer declined, or withdrew. */
const NO_WORD = ['decline', 'cancel'];

export class HandOver {
  readonly #components: HandOverComponents;
  readonly #init: HandOverInit;
  #withdrawn = new AbortController();

  constructor(components: HandOverComponents, init: HandOverInit) {
    this.#components = components;
    this.#init = init;
  }

  /** One after the other. Says what becomes of them; never rejects. */
  async give(files: readonly WantedPath[]): Promise<void> {
    const { signal } = this.#withdrawn;
    try {
      const { entity } = this.#components;
      const { peer, self } = this.#init;
      const ability = await fileAbilityOf(entity, peer, self, signal);
      const offered: string[] = [];
      for (const file of files) {
        if (signal.aborted) return;
        const text = await this.#giveOne(file, ability, signal);
        if (text !== undefined) offered.push(text);
      }
      if (offered.length > 0) this.#tell(`I offer you ${offered.join(', ')}. Please accept in your client.`);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof LimitError) {
        this.#components.refusals?.count(error.bound, this.#init.peer);
        this.#tell(textOf({ type: 'failed', reason: limitReason(error) }));
        return;
      }
      this.#components.log.error({ err: error, to: this.#init.peer }, 'a file could not be handed over');
      this.#tell('That did not work, and it is my fault. Please try again later.');
    }
  }

  /** Ends what is offered and sent. */
  withdraw(): void {
    this.#withdrawn.abort();
    this.#withdrawn = new AbortController();
  }

  /** What is offered, in words; undefined when all was said already. */
  async #giveOne(
    { path, number }: WantedPath,
    ability: FileAbility,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { access, listing, offer } = this.#components;
    const { peer } = this.#init;
    const seen = () => byRulesOfNow(access, { jid: peer }, (view) => listing.fileAt(view, path));
    const entry = (await this.#isTold(path, signal)) ? await seen() : undefined;
    const called = number === undefined ? shown(path) : `number ${number}`;
    if (entry === undefined || !access.viewOf({ jid: peer }).mayTake(entry)) {
      this.#tell(`I can’t give you ${called}: there is no such file.`);
      return undefined;
    }
    if (ability.type !== 'takes') {
      this.#giveLink(entry, '', NO_JINGLE[ability.type]);
      return undefined;
    }
    try {
      const upload = await offer(peer, entry, signal, ability.namespace);
      void this.#watch(entry, upload, signal); // never rejects
      return withSize(nameOf(entry), entry.size);
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof LimitError) this.#components.refusals?.count(error.bound, peer);
      this.#tell(whyNot(called, error));
      return undefined;
    }
  }

  /** Whether the peer may know of the file, whoever decides that. Throws LimitError. */
  async #isTold(path: string, signal: AbortSignal): Promise<boolean> {
    try {
      const seen = await this.#components.folders.look(this.#init.peer, path, { max: 0 }, signal);
      return seen.type === 'file';
    } catch (error) {
      if (error instanceof StanzaError && error.condition === 'item-not-found') return false;
      throw error;
    }
  }

  /** Says how it ended. */
  async #watch(entry: FileEntry, upload: FileUpload, signal: AbortSignal): Promise<void> {
    const outcome = await upload.done;
    if (signal.aborted) return;
    const name = shown(nameOf(entry));
    if (outcome.type === 'success') {
      this.#tell(
        outcome.unconfirmed
          ? `I have sent all of ${name}. Your client did not tell me whether it has come.`
          : `You have ${name} now.`,
      );
      return;
    }
    const { error } = outcome;
    if (error instanceof SessionEndedError && NO_WORD.includes(error.reason)) return; // it knows best
    this.#components.log.debug({ to: this.#init.peer, error: messageOf(error) }, 'an offer came to nothing');
    this.#giveLink(
      entry,
      `${name} did not get through to your client. `,
      'Ask me again to have another try.',
    );
  }

  /** Says first what was `said`, and what else can be done where there is no link to it. */
  #giveLink(entry: FileEntry, said: string, otherwise: string): void {
    const { links, access } = this.#components;
    const { peer } = this.#init;
    const mayTake = access.viewOf({ jid: peer }).mayTake(entry);
    const link = mayTake ? links?.linkFor({ jid: peer }, entry) : undefined;
    if (link === undefined && mayTake && links !== undefined && entry.sha256 === undefined) {
      this.#tell(
        `${said}I can give you a link to ${shown(nameOf(entry))} when it is hashed. Ask again then.`,
      );
      return;
    }
    if (link === undefined) {
      this.#tell(`${said}${otherwise}`);
      return;
    }
    if (said !== '') this.#tell(`${said}Here is a link to it.`);
    // Clients that show a file in place of a link do so where there is nothing beside it.
    const sharing = sharingOf(describeFile(entry), fileSourcesOf(this.#init.self, entry, link));
    this.#tell(link.href, { url: link, sharing });
  }

  #tell(text: string, link?: GivenLink): void {
    this.#init.tell(text, link);
  }
}

function whyNot(called: string, error: unknown): string {
  if (error instanceof FileNotAvailableError) return `I can’t give you ${called}: there is no such file.`;
  if (!(error instanceof LimitError)) throw error;
  return `I can’t send ${called} now: I am sending all that I can. Ask again when something has arrived.`;
}

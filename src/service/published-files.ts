/**
 * Sends any of our files to who asks for it by the id that it is published under (XEP-0358 §2.2): `<start/>` is
 * answered with the session that begins then. What may not be had and what is not there are the same.
 */
import type { AccessPolicy, View } from '../access/access-policy.js';
import type { ReadonlyCatalogue } from '../catalogue/catalogue.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import { publishedRefOf } from '../catalogue/published-id.js';
import type { Disco } from '../entity/disco.js';
import type { Entity, IqHandler, Unsubscribe } from '../entity/entity.js';
import { FileNotAvailableError, type FileSession, type FileSource } from '../jingle/file-session.js';
import { acknowledged } from '../jingle/session-actions.js';
import type { Jid } from '../stanza/jid.js';
import { StanzaError } from '../stanza/stanza-error.js';
import { JINGLEPUB_FEATURE, StartElement, startCodec, startingCodec } from '../stanza/xep0358-jinglepub.js';
import type { Startable } from '../startable.js';
import type { DirectQuestions } from './direct-questions.js';
import type { SharedFolders } from './shared-folders.js';

export interface PublishedFilesComponents {
  readonly entity: Pick<Entity, 'handleIq'>;
  readonly disco: Pick<Disco, 'addFeature'>;
  readonly access: AccessPolicy;
  readonly catalogue: Pick<ReadonlyCatalogue, 'table'>;
  readonly folders: Pick<SharedFolders, 'takeable'>;
  readonly questions: Pick<DirectQuestions, 'paid'>;
  /** `FileServer` is one. */
  readonly files: { source(entry: FileEntry, peer: Jid, signal: AbortSignal): Promise<FileSource> };
  /** `JingleEngine` is one. */
  readonly jingle: { session(request: { readonly peer: Jid }): FileSession };
}

/** Of files with the same content, so many are looked at for one that the asker may take. */
const MAX_COPIES = 1000;

export class PublishedFiles implements Startable {
  readonly #components: PublishedFilesComponents;
  readonly #registrations: Unsubscribe[] = [];

  constructor(components: PublishedFilesComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { entity, disco } = this.#components;
    const { name, ns } = StartElement;
    this.#registrations.push(
      entity.handleIq('get', name, ns, this.#start),
      disco.addFeature(JINGLEPUB_FEATURE),
    );
  }

  async stop(): Promise<void> {
    for (const unregister of this.#registrations.splice(0)) unregister();
  }

  readonly #start: IqHandler = async ({ from, payload }, signal) => {
    const { jingle } = this.#components;
    const source = await this.#source(from, startCodec.fromXml(payload), signal);
    const session = jingle.session({ peer: from });
    session.offer(source);
    // The session's id comes before the session (§2.2).
    void acknowledged().then(() => session.begin());
    return startingCodec.toXml(session.sid);
  };

  /** Of all reasons for which a file is not sent, but that there is no place free, the peer is told the same. */
  async #source(asker: Jid, id: string, signal: AbortSignal): Promise<FileSource> {
    try {
      return await this.#components.files.source(await this.#entry(asker, id), asker, signal);
    } catch (error) {
      const isThere = !(error instanceof StanzaError) && !(error instanceof FileNotAvailableError);
      throw isThere ? error : notAcceptable();
    }
  }

  async #entry(asker: Jid, id: string): Promise<FileEntry> {
    const { access, folders, questions } = this.#components;
    const ref = publishedRefOf(id);
    if (ref?.type === 'path') return await folders.takeable(asker, ref.path);
    return await questions.paid(asker, async () => {
      const view = access.viewOf({ jid: asker });
      const found = ref === undefined ? undefined : this.#withContent(ref.sha256, view);
      if (found === undefined) throw notAcceptable();
      return found;
    });
  }

  #withContent(sha256: string, view: View): FileEntry | undefined {
    const { table } = this.#components.catalogue;
    for (const slot of table.withHash(sha256, MAX_COPIES)) {
      const entry = table.isShown(slot) ? table.columns.entryOf(slot) : undefined;
      if (entry !== undefined && view.mayTake(entry)) return entry;
    }
    return undefined;
  }
}

/** §2.2 has `forbidden` for what is there and may not be had. Then it would be known to be there. */
function notAcceptable(): StanzaError {
  return new StanzaError('not-acceptable', 'there is no such file');
}

/** Decides on the contents that peers propose: what is for the handlers, and why the rest is refused. */
import type { Content } from '../stanza/xep0166-jingle.js';
import {
  descriptionCodec,
  FILE_TRANSFER_NAMESPACES,
  type FileDescription,
  fileTransferNamespaceOf,
  type Range,
} from '../stanza/xep0234-file-transfer.js';
import type { Transport } from '../transport/transport.js';
import type { ContentLink } from './content-application.js';
import { FileReceiving } from './file-receiving.js';
import { FileSending } from './file-sending.js';
import type { FileOfferHandler, FileRequestHandler } from './file-session.js';
import type { PeerSession, ProposedContent, SessionPolicy } from './proposed-content.js';
import { SessionFailedError } from './reason.js';

export interface FilePolicyInit {
  readonly onFileRequest?: FileRequestHandler;
  readonly onFileOffer?: FileOfferHandler;
}

export class FilePolicy implements SessionPolicy {
  readonly #transports: readonly Transport[];
  readonly #init: FilePolicyInit;

  constructor(components: { readonly transports: readonly Transport[] }, init: FilePolicyInit) {
    this.#transports = components.transports;
    this.#init = init;
  }

  isUsable(content: Content): boolean {
    return !refusalOf(content) && this.#transportOf(content) !== undefined;
  }

  proposed(content: Content, session: PeerSession, link: ContentLink): ProposedContent {
    const ns = fileTransferNamespaceOf(content.description);
    const file = ns && descriptionCodec(ns).fromXml(content.description);
    const transport = this.#transportOf(content);
    const refusal = refusalOf(content) ?? (transport ? undefined : unsupported('transports'));
    // XEP-0234 §4.1. COMPAT: Gajim 1.7.3 offers with senders='both'.
    const part = content.senders === session.role ? this.#request(session, link) : this.#offer(session, link);
    return {
      application: part.application,
      ns: ns ?? FILE_TRANSFER_NAMESPACES[0],
      transport,
      decide: async (signal) => {
        if (refusal || !file) throw refusal ?? unsupported('applications');
        return await part.decide(file, signal);
      },
    };
  }

  #request(session: PeerSession, link: ContentLink): DecidedBy {
    const application = new FileSending(link);
    return {
      application,
      decide: async (file, signal) => {
        const { onFileRequest } = this.#init;
        if (!onFileRequest) throw unsupported('applications');
        const { peer, sid } = session;
        application.asked(file);
        const { tellQueue: queued, granted } = link;
        application.use(await onFileRequest({ peer, sid, file, session, queued, granted }, signal));
        return application.description;
      },
    };
  }

  #offer(session: PeerSession, link: ContentLink): DecidedBy {
    const application = new FileReceiving(link);
    return {
      application,
      decide: async (file, signal) => {
        const { onFileOffer } = this.#init;
        if (!onFileOffer) throw new SessionFailedError('decline', 'no files are received here');
        const { peer, sid } = session;
        const { range, take } = await onFileOffer({ peer, sid, file, session }, signal);
        signal.throwIfAborted();
        const coming = wantedOf(file, range);
        application.expect(file, coming);
        take(application);
        // A bare <range/> says that ranges are understood (XEP-0234 §6.1).
        return { ...file, range: { ...(range ? coming : { offset: 0 }), hashes: [] }, resumes: true };
      },
    };
  }

  #transportOf(content: Content): Transport | undefined {
    return this.#transports.find((each) => each.ns === content.transport.getNS());
  }
}

interface DecidedBy extends Pick<ProposedContent, 'application'> {
  decide(file: FileDescription, signal: AbortSignal): Promise<FileDescription>;
}

/** Which bytes come: what we chose of those that are offered. */
function wantedOf(file: FileDescription, chosen: Range | undefined): Range {
  const { offset, length }: Range = file.range ?? { offset: 0 };
  const offered: Range = { offset, ...(length !== undefined && { length }) };
  if (!chosen) return offered;
  const end = offset + (length ?? Number.POSITIVE_INFINITY);
  if (chosen.offset < offset || chosen.offset + (chosen.length ?? 0) > end) {
    throw new SessionFailedError('failed-application', 'other bytes than those offered are wanted');
  }
  if (chosen.length !== undefined || length === undefined) return chosen;
  return { offset: chosen.offset, length: end - chosen.offset };
}

/** Why a content that is well described is not for us. */
function refusalOf({ description, security, disposition = 'session' }: Content): Error | undefined {
  if (!fileTransferNamespaceOf(description)) return unsupported('applications');
  if (security) return new SessionFailedError('security-error', 'no security precondition can be met here');
  if (disposition === 'session') return undefined;
  return new SessionFailedError('incompatible-parameters', 'a file is for the session');
}

function unsupported(what: 'applications' | 'transports'): SessionFailedError {
  return new SessionFailedError(`unsupported-${what}`, `none of the ${what} is supported`);
}

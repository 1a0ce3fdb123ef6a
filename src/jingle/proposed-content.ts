/** What a session has to know of a content that its peer proposes, and who knows it. */
import type { Content } from '../stanza/xep0166-jingle.js';
import type { FileDescription, FileTransferNamespace } from '../stanza/xep0234-file-transfer.js';
import type { Transport } from '../transport/transport.js';
import type { ContentApplication, ContentLink } from './content-application.js';
import type { FileSession } from './file-session.js';

export interface ProposedContent {
  readonly application: ContentApplication;
  readonly ns: FileTransferNamespace;
  /** Undefined where it is none of ours; `decide` then rejects. */
  readonly transport: Transport | undefined;
  /** Finds what to answer with; what it rejects with becomes the reason of the refusal. */
  decide(signal: AbortSignal): Promise<FileDescription>;
}

/** Who knows which files may be asked for and offered. */
export interface SessionPolicy {
  /** Whether it could be taken, as far as that can be seen from its form. */
  isUsable(content: Content): boolean;
  /** Throws `ParseError` when its description is malformed. */
  proposed(content: Content, session: PeerSession, link: ContentLink): ProposedContent;
}

export interface PeerSession extends FileSession {
  /** Ours. */
  readonly role: 'initiator' | 'responder';
}

/**
 * XEP-0166 §7.3: contents of one name are alternatives for the same purpose, as an old version beside
 * a new one. The first that we could take is meant.
 */
export function chosenContents(contents: readonly Content[], policy: SessionPolicy): Content[] {
  const byName = new Map<string, Content>();
  for (const content of contents) {
    const chosen = byName.get(content.name);
    if (!chosen || (!policy.isUsable(chosen) && policy.isUsable(content))) byName.set(content.name, content);
  }
  return [...byName.values()];
}

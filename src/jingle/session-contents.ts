/**
 * The contents of one session, by who created them and what they are called (XEP-0166 §7.3), and
 * those that were: what still comes for one that is over is no error of the peer's.
 */
import { StanzaError } from '../stanza/stanza-error.js';
import type { ContentRef, JingleBody, JingleRole } from '../stanza/xep0166-jingle.js';
import type { Element } from '../stanza/xml.js';
import type { ContentAction } from './content-refusal.js';
import type { FileContent } from './file-content.js';
import type { TransportAction } from './session-event.js';

const MAX_PAST = 64; // a peer hears of an ending within one round trip

export class SessionContents implements Iterable<FileContent> {
  readonly #contents = new Map<string, FileContent>();
  readonly #past: string[] = [];
  #named = 0;
  /** What those that are gone have moved, and how the last of them fared. */
  readonly #gone = {
    bytes: 0,
    transport: undefined as string | undefined,
    error: undefined as Error | undefined,
  };

  [Symbol.iterator](): Iterator<FileContent> {
    return this.#contents.values();
  }

  get size(): number {
    return this.#contents.size;
  }

  /** Those of which something is still to be said. */
  get live(): FileContent[] {
    return [...this.#contents.values()].filter((each) => !each.over);
  }

  /** For the log. */
  get summary(): { readonly bytes: number; readonly transport?: string; readonly error?: Error } {
    const { bytes, transport, error } = this.#gone;
    return { bytes, ...(transport !== undefined && { transport }), ...(error && { error }) };
  }

  /** A name that no content of ours had. */
  nextName(): string {
    this.#named += 1;
    return this.#named === 1 ? 'file' : `file-${this.#named}`;
  }

  /** Whether a content of that name is there, or was. */
  has(ref: ContentRef): boolean {
    return this.#contents.has(keyOf(ref)) || this.#past.includes(keyOf(ref));
  }

  add(content: FileContent): void {
    this.#contents.set(keyOf(content.ref), content);
  }

  remove(content: FileContent): void {
    const key = keyOf(content.ref);
    if (!this.#contents.delete(key)) return;
    this.#past.push(key);
    if (this.#past.length > MAX_PAST) this.#past.shift();
    this.#gone.bytes += content.movedBytes;
    this.#gone.transport = content.transport;
    this.#gone.error = content.error ?? this.#gone.error;
  }

  /**
   * The content that the peer speaks of; undefined for one that is over. Throws `StanzaError` where
   * there is none that the peer could know.
   */
  find(ref: ContentRef): FileContent | undefined {
    const found = this.#contents.get(keyOf(ref));
    if (found && found.standing !== 'ours-alone') return found;
    if (this.#past.includes(keyOf(ref))) return undefined;
    throw new StanzaError('item-not-found', 'no such content');
  }

  /**
   * What the peer says of contents; those that are over hear nothing of it. All of it or nothing: `action` has to have its place
   * in each of them. Throws `StanzaError` and `ParseError` for the peer.
   */
  each<T extends ContentRef & { readonly description?: Element; readonly transport?: Element }>(
    refs: readonly T[],
    act: (content: FileContent, ref: T) => void,
    action?: ContentAction,
  ): void {
    const found = new Map<FileContent, T>();
    for (const ref of refs) {
      const content = this.find(ref);
      if (content && found.has(content)) throw new StanzaError('bad-request', 'twice the same content');
      if (content) found.set(content, ref);
    }
    // One alone is checked by what is done to it.
    if (action && found.size > 1) for (const [content, ref] of found) content.check(action, ref);
    for (const [content, ref] of found) act(content, ref);
  }

  /** What it says of their transports. Throws as {@link each}. */
  takeTransport(jingle: Extract<JingleBody, { readonly action: TransportAction }>): void {
    const { action } = jingle;
    switch (action) {
      case 'transport-info':
        this.each(jingle.contents, (content, { transport }) => content.transportInfo(transport), action);
        return;
      case 'transport-replace':
        this.each(jingle.contents, (content, { transport }) => content.peerReplace(transport), action);
        return;
      case 'transport-accept':
        this.each(
          jingle.contents,
          (content, { transport }) => content.peerReplaceAccepted(transport),
          action,
        );
        return;
      case 'transport-reject':
        this.each(jingle.contents, (content) => content.peerReplaceRejected(), action);
    }
  }

  /** The content that an information is about (XEP-0234 §8: it SHOULD say), by name or by being the only one. */
  findForInfo(
    ref: { readonly creator?: JingleRole; readonly name?: string },
    fits: (content: FileContent) => boolean,
  ): FileContent | undefined {
    const { creator, name } = ref;
    if (creator !== undefined && name !== undefined) return this.find({ creator, name });
    const candidates = [...this.#contents.values()].filter(
      (each) =>
        each.standing !== 'ours-alone' &&
        (creator === undefined || each.ref.creator === creator) &&
        (name === undefined || each.ref.name === name),
    );
    const fitting = candidates.filter(fits);
    const [only] = fitting.length > 0 ? fitting : candidates;
    if (only && Math.max(1, fitting.length) === 1 && (fitting.length === 1 || candidates.length === 1))
      return only;
    if (candidates.length === 0 && name === undefined && this.#past.length > 0) return undefined;
    throw new StanzaError('item-not-found', 'no such content');
  }
}

function keyOf({ creator, name }: ContentRef): string {
  return `${creator} ${name}`;
}

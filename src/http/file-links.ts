/**
 * Makes links to files, and finds the file that a link is for: of whoever it was made for, as long as it lasts, while
 * the file is what it was and that asker may still take it.
 */
import type { AccessPolicy, Asker } from '../access/access-policy.js';
import { type FileEntry, nameOf } from '../catalogue/file-entry.js';
import { type FullPath, toDisplay } from '../catalogue/share-path.js';
import type { Clock } from '../clock.js';
import { safeFileName } from '../transfer/fetch/safe-file-name.js';
import type { LinkMaker } from '../transfer/link-maker.js';
import type { LinkSeal } from './link-seal.js';

export interface FileLinksComponents {
  readonly catalogue: { get(key: FullPath): FileEntry | undefined };
  readonly access: AccessPolicy;
  readonly clock: Pick<Clock, 'now'>;
}

export interface FileLinksInit {
  /** Where links lead; ends with a slash. */
  readonly url: URL;
  /** How long a link lasts. */
  readonly expireS: number;
}

/** A file with its hash, and who asks for it. */
export interface LinkedFile {
  readonly asker: Asker;
  readonly entry: FileEntry & { readonly sha256: string };
  /** The same for each request by the same link. */
  readonly token: string;
  readonly expiresMs: number;
}

export class FileLinks implements LinkMaker {
  readonly #components: FileLinksComponents;
  readonly #init: FileLinksInit;
  #seal: LinkSeal | undefined;

  constructor(components: FileLinksComponents, init: FileLinksInit) {
    this.#components = components;
    this.#init = init;
  }

  /** Until then, and again with undefined, no links are made and none leads anywhere. */
  use(seal: LinkSeal | undefined): void {
    this.#seal = seal;
  }

  /** Undefined also for a file without a hash: a link is for one content. */
  linkFor(asker: Asker, file: FileEntry): URL | undefined {
    const { access, clock } = this.#components;
    const { url, expireS } = this.#init;
    const { sha256 } = file;
    if (!this.#seal || sha256 === undefined || !access.viewOf(asker).mayTake(file)) return undefined;
    const expiresS = Math.ceil(clock.now() / 1000) + expireS;
    const path = `${file.share}/${file.path}` as FullPath;
    const token = this.#seal.seal({ asker, path, sha256, expiresS });
    return new URL(`${url.pathname}${token}/${escaped(linkName(file))}`, url);
  }

  /** What a request's target, such as `/TOKEN/romeo.epub`, is for; undefined whatever is wrong with it. */
  fileOf(target: string): LinkedFile | undefined {
    const { access, catalogue, clock } = this.#components;
    const [token = '', name, ...more] = this.#below(target)?.split('/') ?? [];
    if (name === undefined || more.length > 0) return undefined;
    const link = this.#seal?.open(token);
    if (!link || link.expiresS * 1000 <= clock.now()) return undefined;
    const entry = catalogue.get(link.path);
    if (!hasHash(entry) || !link.isOf(entry.sha256) || unescaped(name) !== linkName(entry)) return undefined;
    if (!access.viewOf(link.asker).mayTake(entry)) return undefined;
    return { asker: link.asker, entry, token, expiresMs: link.expiresS * 1000 };
  }

  /** What is below our URL. A proxy may have taken the path of the URL away. */
  #below(target: string): string | undefined {
    const { pathname } = this.#init.url;
    if (target.startsWith(pathname)) return target.slice(pathname.length);
    return target.startsWith('/') ? target.slice(1) : undefined;
  }
}

/** The name by which a link ends, and a file is saved. */
export function linkName(entry: FileEntry): string {
  return safeFileName(toDisplay(nameOf(entry)));
}

function hasHash(entry: FileEntry | undefined): entry is FileEntry & { readonly sha256: string } {
  return entry?.sha256 !== undefined;
}

/** As a part of a path; also without what programs that look for links in texts take for the end of one. */
function escaped(name: string): string {
  return encodeURIComponent(name).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16)}`);
}

function unescaped(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

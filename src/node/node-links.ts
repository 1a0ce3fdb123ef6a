/** The parts behind links to files, where they are configured. */
import { join } from 'node:path';
import type { AccessPolicy, Asker } from '../access/access-policy.js';
import type { FileRequestBudget } from '../access/file-request-budget.js';
import type { FileEntry } from '../catalogue/file-entry.js';
import type { Clock } from '../clock.js';
import type { NodeConfig } from '../config/options.js';
import { RealDataFolder } from '../fs/real-data-folder.js';
import { realFileSystem } from '../fs/real-file-system.js';
import { CertificateFiles } from '../http/certificate.js';
import { FileLinks, type FileLinksComponents } from '../http/file-links.js';
import type { FileResponseComponents } from '../http/file-response.js';
import { LinkServer } from '../http/link-server.js';
import type { Log } from '../log.js';
import type { OtherSources } from '../query/file-describer.js';
import type { Jid } from '../stanza/jid.js';
import type { Startable } from '../startable.js';
import { fileSourcesOf } from '../transfer/file-sources.js';
import type { LinkMaker } from '../transfer/link-maker.js';

export interface NodeLinksComponents {
  readonly clock: Clock;
  readonly log: Log;
  readonly catalogue: FileLinksComponents['catalogue'];
  readonly access: AccessPolicy;
  /** Known when the listener starts, not before, as is our address. */
  readonly files: () => FileResponseComponents['files'];
  readonly budget: Pick<FileRequestBudget, 'charge'>;
  readonly ignores: (asker: Jid) => boolean;
  readonly self: () => Jid;
}

export class NodeLinks implements LinkMaker, Startable {
  /** For answers; undefined where they are to say nothing of it. */
  readonly otherSources: OtherSources | undefined;
  readonly #links: FileLinks;
  readonly #server: LinkServer;

  private constructor(links: FileLinks, server: LinkServer, otherSources: OtherSources | undefined) {
    this.#links = links;
    this.#server = server;
    this.otherSources = otherSources;
  }

  /** Undefined where the configuration has none. */
  static of(
    { clock, log, catalogue, access, files, budget, ignores, self }: NodeLinksComponents,
    { links: config, data, limits }: Pick<NodeConfig, 'links' | 'data' | 'limits'>,
  ): NodeLinks | undefined {
    if (!config) return undefined;
    const { listen, url, tls, expireS, behindProxy, pinAddress, inAnswers } = config;
    const links = new FileLinks({ catalogue, access, clock }, { url, expireS });
    const server = new LinkServer(
      {
        clock,
        log,
        links,
        files: { handle: (request, signal) => files().handle(request, signal) },
        budget,
        ignores,
        folder: new RealDataFolder(join(data, 'links')),
        ...(tls && { certificate: new CertificateFiles({ fs: realFileSystem }, tls) }),
      },
      {
        ...listen,
        behindProxy,
        pinAddress,
        stallMs: limits.sessionIdleMs,
        maxConnections: limits.linkConnections,
      },
    );
    const otherSources = {
      of(asker: Asker, entry: FileEntry) {
        const link = links.linkFor(asker, entry);
        return link ? fileSourcesOf(self(), entry, link) : []; // who may not take it
      },
    };
    return new NodeLinks(links, server, inAnswers ? otherSources : undefined);
  }

  linkFor(asker: Asker, file: FileEntry): URL | undefined {
    return this.#links.linkFor(asker, file);
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}

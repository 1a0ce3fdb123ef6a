/** The parts behind links to files, where they are configured. */
import { join } from 'node:path';
import type { AccessPolicy, Asker } from '../access/access-policy.js';
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
import type { Startable } from '../startable.js';
import type { LinkMaker } from '../transfer/link-maker.js';

export interface NodeLinksComponents {
  readonly clock: Clock;
  readonly log: Log;
  readonly catalogue: FileLinksComponents['catalogue'];
  readonly access: AccessPolicy;
  /** Known when the listener starts, not before. */
  readonly files: () => FileResponseComponents['files'];
}

export class NodeLinks implements LinkMaker, Startable {
  readonly #links: FileLinks;
  readonly #server: LinkServer;

  private constructor(links: FileLinks, server: LinkServer) {
    this.#links = links;
    this.#server = server;
  }

  /** Undefined where the configuration has none. */
  static of(
    { clock, log, catalogue, access, files }: NodeLinksComponents,
    { links: config, data, limits }: Pick<NodeConfig, 'links' | 'data' | 'limits'>,
  ): NodeLinks | undefined {
    if (!config) return undefined;
    const { listen, url, tls, expireS, behindProxy, pinAddress } = config;
    const links = new FileLinks({ catalogue, access, clock }, { url, expireS });
    const server = new LinkServer(
      {
        clock,
        log,
        links,
        files: { source: (entry, peer, signal) => files().source(entry, peer, signal) },
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
    return new NodeLinks(links, server);
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

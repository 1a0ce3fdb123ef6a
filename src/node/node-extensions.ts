/** The extensions of a node, and what stands between its parts for them. Where none is configured nothing does. */
import type { Clock } from '../clock.js';
import { type ExtensionConfig, ImportedModules } from '../config/extension-module.js';
import type { Connection } from '../entity/connection.js';
import { ExtensionHost } from '../extensions/extension-host.js';
import { FileNews, type FileNewsComponents } from '../extensions/file-news.js';
import { WatchedAnswerer } from '../extensions/query-watch.js';
import { WatchedConnection } from '../extensions/stanza-watch.js';
import { type FilesToSend, WatchedFiles } from '../extensions/transfer-watch.js';
import type { Log } from '../log.js';
import type { Answering } from '../query/answer.js';
import type { Jid } from '../stanza/jid.js';

export interface NodeExtensionsComponents {
  readonly clock: Clock;
  readonly log: Log;
}

export interface NodeExtensionsInit {
  readonly extensions: readonly ExtensionConfig[];
  readonly jid: Jid;
  readonly limitMs: number;
}

export class NodeExtensions {
  readonly host: ExtensionHost;
  readonly #clock: Clock;

  private constructor({ clock, log }: NodeExtensionsComponents, init: NodeExtensionsInit) {
    this.#clock = clock;
    this.host = new ExtensionHost({ clock, log, modules: new ImportedModules({ clock }) }, init);
  }

  static of(components: NodeExtensionsComponents, init: NodeExtensionsInit): NodeExtensions | undefined {
    return init.extensions.length === 0 ? undefined : new NodeExtensions(components, init);
  }

  readonly connection = (connection: Connection): Connection =>
    new WatchedConnection({ connection, extensions: this.host });

  answering(answerer: Answering): Answering {
    return new WatchedAnswerer({ answerer, extensions: this.host });
  }

  files(files: FilesToSend): WatchedFiles {
    return new WatchedFiles({ files, extensions: this.host, clock: this.#clock });
  }

  news(library: Pick<FileNewsComponents, 'catalogue' | 'ready'>): FileNews {
    const { catalogue, ready } = library;
    return new FileNews({ catalogue, ready, extensions: this.host });
  }
}

/**
 * Two Jingle engines on a network inside the process: a node that serves files from memory and an
 * asker. `close` stops both and then insists that nothing is left: no timer, stream, negotiation,
 * session or open file.
 */

import assert from 'node:assert/strict';
import { allowAll } from '../../src/access/access-policy.js';
import type { FileEntry } from '../../src/catalogue/file-entry.js';
import type { Entity } from '../../src/entity/entity.js';
import type {
  ByteReader,
  FileDownload,
  FileOfferHandler,
  FileRequestHandler,
  FileUpload,
} from '../../src/jingle/file-session.js';
import { JingleEngine, type JingleEngineInit } from '../../src/jingle/jingle-engine.js';
import type { JingleTimeouts } from '../../src/jingle/timeouts.js';
import { silentLog } from '../../src/log.js';
import { parseJid } from '../../src/stanza/jid.js';
import type { FileDescription } from '../../src/stanza/xep0234-file-transfer.js';
import type { Element } from '../../src/stanza/xml.js';
import { FileServer } from '../../src/transfer/send/file-server.js';
import { offerFile } from '../../src/transfer/send/offer-file.js';
import type { TransportType } from '../../src/transport/transport.js';
import { MemoryFiles } from './memory-files.js';
import { MemoryNetwork } from './memory-network.js';
import { MemoryBytestreams, MemoryTransport } from './memory-transport.js';
import { settle, VirtualClock } from './virtual-clock.js';

export const NODE = parseJid('files.example.org');
export const ASKER = parseJid('hag66@example.org/pda');

export interface JinglePairInit {
  readonly transports?: readonly TransportType[];
  /** Of the node only. */
  readonly nodeTransports?: readonly TransportType[];
  readonly engine?: Partial<JingleEngineInit>;
  /** Of the asker only. */
  readonly askerTimeouts?: Partial<JingleTimeouts>;
  /** What the asker does with files that are offered to it. */
  readonly onFileOffer?: FileOfferHandler;
  readonly maxUploads?: number;
  readonly maxUploadsPerPeer?: number;
  readonly refusesEarly?: boolean;
  /** In place of the file server. */
  readonly onFileRequest?: FileRequestHandler;
}

export class JinglePair {
  readonly clock = new VirtualClock();
  readonly net = new MemoryNetwork({ clock: this.clock });
  readonly bytestreams = new MemoryBytestreams();
  readonly files = new MemoryFiles();
  /** Every stanza that was delivered, in order. */
  readonly stanzas: Element[] = [];
  readonly server: FileServer;
  readonly node: Entity;
  readonly asker: Entity;
  readonly serving: JingleEngine;
  readonly asking: JingleEngine;

  private constructor(init: JinglePairInit) {
    const { files } = this;
    this.net.watch((stanza) => this.stanzas.push(stanza));
    this.server = new FileServer(
      { access: allowAll, catalogue: files.catalogue, files, clock: this.clock, log: silentLog },
      {
        maxUploads: init.maxUploads ?? 10,
        maxUploadsPerPeer: init.maxUploadsPerPeer ?? 10,
        ...(init.refusesEarly !== undefined && { refusesEarly: init.refusesEarly }),
      },
    );
    this.node = this.net.component(NODE);
    this.asker = this.net.client(ASKER);
    const both = init.transports ?? (['s5b', 'ibb'] as const);
    const engine = (entity: Entity, own: Partial<JingleEngineInit>, types = both) =>
      new JingleEngine(
        {
          entity,
          clock: this.clock,
          log: silentLog,
          transports: types.map((type) => new MemoryTransport({ type, bytestreams: this.bytestreams })),
        },
        { maxSessions: 20, maxSessionsPerPeer: 10, ...init.engine, ...own },
      );
    this.serving = engine(
      this.node,
      { onFileRequest: init.onFileRequest ?? this.server.handle },
      init.nodeTransports,
    );
    this.asking = engine(this.asker, {
      ...(init.askerTimeouts && { timeouts: init.askerTimeouts }),
      ...(init.onFileOffer && { onFileOffer: init.onFileOffer }),
    });
  }

  static async open(init: JinglePairInit = {}): Promise<JinglePair> {
    const pair = new JinglePair(init);
    await pair.node.start();
    await pair.asker.start();
    await pair.serving.start();
    await pair.asking.start();
    return pair;
  }

  download(file: Partial<FileDescription>, signal?: AbortSignal): FileDownload {
    const description = { hashes: [], hashesUsed: [], ...file };
    return this.asking.download({ peer: NODE, file: description, ...(signal && { signal }) });
  }

  /** The node offers one of its files to the asker. */
  offer(entry: FileEntry, signal?: AbortSignal): Promise<FileUpload> {
    return offerFile({ server: this.server, uploader: this.serving }, ASKER, entry, signal);
  }

  /** Downloads, ends the session with success, gives the bytes. */
  async fetch(file: Partial<FileDescription>): Promise<Buffer> {
    const download = this.download(file);
    const bytes = await bytesOf(download.stream);
    await download.finish('success');
    return bytes;
  }

  /** The Jingle actions delivered so far, as `from action` with n for the node, a for the asker. */
  get actions(): string[] {
    return this.stanzas.flatMap((stanza) => {
      const jingle = stanza.getChild('jingle', 'urn:xmpp:jingle:1');
      if (!jingle || stanza.attrs.type !== 'set') return [];
      const reason = jingle.getChild('reason')?.getChildElements()[0]?.getName();
      const from = String(stanza.attrs.from).startsWith(NODE) ? 'n' : 'a';
      return [`${from} ${jingle.attrs.action}${reason === undefined ? '' : ` ${reason}`}`];
    });
  }

  /** Waits until `done` holds, moving no time. Fails after many turns of the event loop. */
  async until(done: () => boolean): Promise<void> {
    for (let turn = 0; turn < 2_000; turn += 1) {
      if (done()) return;
      await settle();
    }
    assert.fail(`never came about; so far: ${this.actions.join(', ')}`);
  }

  /** The sessions of both sides come to their end by themselves, and leave nothing. */
  async ended(): Promise<void> {
    await this.until(() => this.serving.sessionCount === 0 && this.asking.sessionCount === 0);
    await settle();
    this.assertNothingLeft();
  }

  async close(): Promise<void> {
    await Promise.all([this.serving.stop(), this.asking.stop()]);
    this.assertNothingLeft();
    await this.node.stop();
    await this.asker.stop();
    await settle();
    // What is still on its way is the network's: nobody can take back a stanza.
    assert.equal(this.clock.pendingTimers - this.net.underWay, 0, 'timers are left');
  }

  assertNothingLeft(): void {
    assert.equal(this.serving.sessionCount + this.asking.sessionCount, 0, 'sessions are left');
    assert.deepEqual(
      this.bytestreams.streams.filter((stream) => !stream.destroyed).length,
      0,
      'streams are left open',
    );
    assert.equal(this.bytestreams.open.size, 0, 'negotiations are left open');
    assert.equal(this.server.uploads, 0, 'slots are left taken');
    assert.equal(this.files.openFiles, 0, 'files are left open');
  }
}

/** All of it; chunks are only lent. */
export async function bytesOf(stream: ByteReader): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

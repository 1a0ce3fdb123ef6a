/** What has come of files that a wish fetches, in their folder inside the share: `HASH.SIZE` and what is beside it. */
import type { DataFolder } from '../catalogue/data-folder.js';
import type { Clock } from '../clock.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { Candidate } from './candidates.js';
import type { FetchMemory } from './fetch-memory.js';

export interface Incoming extends Pick<DataFolder, 'location' | 'make' | 'list' | 'remove'> {
  /** What it takes of the disk, which of a file with holes is less than its length; 0 where there is none. */
  bytesOf(name: string): Promise<number>;
}

export interface IncomingPartsComponents {
  readonly incoming: Incoming;
  readonly memory: Pick<FetchMemory, 'triedAt' | 'isUnderWay'>;
  readonly clock: Clock;
  readonly log: Log;
}

interface Part {
  readonly sha256: string;
  readonly names: string[];
  bytes: number;
}

/** What nobody has offered for so long is not continued. */
const KEEP_PARTS_MS = 7 * 24 * 60 * 60_000;
/** Who offers files and goes away leaves no more of them. */
const MAX_PARTS = 100;

export class IncomingParts {
  readonly #components: IncomingPartsComponents;

  constructor(components: IncomingPartsComponents) {
    this.#components = components;
  }

  static stemOf({ sha256, size }: Pick<Candidate, 'sha256' | 'size'>): string {
    // With the size: who lies about it must not spoil what has come of the file.
    return `${Buffer.from(sha256, 'base64').toString('hex')}.${size}`;
  }

  /** Removes what was not tried for a week, and what is no part. */
  async sweep(): Promise<void> {
    const { clock, memory } = this.#components;
    for (const { sha256, names } of (await this.#parts()).values()) {
      const triedAtMs = memory.triedAt(sha256);
      const isFresh = triedAtMs !== undefined && clock.now() - triedAtMs < KEEP_PARTS_MS;
      if (!isFresh && !memory.isUnderWay(sha256)) await this.#remove(names);
    }
  }

  /** How much of this file is here. Of all others no more than `maxBytes` stay: the longest untried go. */
  async makeRoom(candidate: Candidate, maxBytes: number): Promise<number> {
    const { memory } = this.#components;
    const parts = await this.#parts();
    const stem = IncomingParts.stemOf(candidate);
    const own = parts.get(stem)?.bytes ?? 0;
    parts.delete(stem);
    let bytes = 0;
    for (const part of parts.values()) bytes += part.bytes;
    const age = ({ sha256 }: Part) => memory.triedAt(sha256) ?? 0;
    let count = parts.size;
    for (const { sha256, names, bytes: freed } of [...parts.values()].sort((a, b) => age(a) - age(b))) {
      if (bytes <= maxBytes && count < MAX_PARTS) break;
      if (memory.isUnderWay(sha256)) continue; // for another wish
      await this.#remove(names);
      bytes -= freed;
      count -= 1;
    }
    return own;
  }

  async #parts(): Promise<Map<string, Part>> {
    const { incoming } = this.#components;
    const parts = new Map<string, Part>();
    for (const name of await incoming.list().catch(() => [])) {
      const [stem, hex] = /^([0-9a-f]{64})\.[0-9]+/.exec(name) ?? [name, ''];
      const part = parts.get(stem) ?? {
        sha256: Buffer.from(hex, 'hex').toString('base64'),
        names: [],
        bytes: 0,
      };
      part.names.push(name);
      part.bytes += await incoming.bytesOf(name).catch(() => 0);
      parts.set(stem, part);
    }
    return parts;
  }

  async #remove(names: readonly string[]): Promise<void> {
    const { incoming, log } = this.#components;
    for (const name of names) {
      await incoming
        .remove(name)
        .catch((error: unknown) =>
          log.warn({ name }, `what is left of a file can't be removed: ${messageOf(error)}`),
        );
    }
  }
}

/**
 * Who sent wrong bytes, from one run to the next: a file with a line for each strike. What can't be read is left out,
 * and what can't be written is only forgotten with this run: neither keeps anybody from fetching.
 */
import { randomUUID } from 'node:crypto';
import type { DataFolder } from '../../catalogue/data-folder.js';
import { messageOf, ParseError } from '../../errors.js';
import type { Log } from '../../log.js';
import { parseBareJid } from '../../stanza/jid.js';
import { formatHash, parseHashText } from '../../stanza/xep0300-hashes.js';
import type { Startable } from '../../startable.js';
import type { StrikeReason } from './download-events.js';
import { STRIKES_DEFAULTS, type Strike, type Strikes } from './strikes.js';

export interface StrikesFileComponents {
  /** Several processes may use it at once. */
  readonly folder: DataFolder;
  /** Those of this process. */
  readonly strikes: Strikes;
  readonly log: Log;
}

const NAME = 'strikes.jsonl';

/** Of as many as are kept; who has made it longer has made something else of it. */
const MAX_FILE_BYTES = 1_048_576;

export class StrikesFile implements Startable {
  readonly #components: StrikesFileComponents;
  /** No other process writes this one. */
  readonly #newName = `strikes.${randomUUID()}.new`;
  #saving: Promise<void> = Promise.resolve();
  #state: 'saved' | 'due' = 'saved';

  constructor(components: StrikesFileComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { strikes, folder, log } = this.#components;
    try {
      for (const { jid, file, why, atMs } of await this.#read()) {
        strikes.strike(jid, parseHashText(file), why, atMs);
      }
    } catch (error) {
      log.warn({ folder: folder.location, error: messageOf(error) }, 'strikes of earlier runs are not known');
    }
    strikes.onChange = () => this.#save();
  }

  async stop(): Promise<void> {
    this.#components.strikes.onChange = undefined;
    await this.#saving;
  }

  #save(): void {
    if (this.#state === 'due') return;
    this.#state = 'due';
    this.#saving = this.#saving.then(() => this.#write());
  }

  /** Never rejects. */
  async #write(): Promise<void> {
    this.#state = 'saved';
    const { folder, strikes, log } = this.#components;
    try {
      await folder.make();
      // Another process may have written since.
      const known = new Map([...(await this.#read()), ...strikes.all].map((each) => [keyOf(each), each]));
      const latest = [...known.values()].sort((a, b) => a.atMs - b.atMs).slice(-STRIKES_DEFAULTS.maxStrikes);
      const writer = await folder.create(this.#newName);
      try {
        await writer.append([Buffer.from(formatStrikes(latest))]);
        await writer.sync();
      } finally {
        await writer.close();
      }
      await folder.rename(this.#newName, NAME);
    } catch (error) {
      log.warn({ folder: folder.location, error: messageOf(error) }, 'strikes were not written down');
    }
  }

  async #read(): Promise<Strike[]> {
    const reader = await this.#components.folder.open(NAME);
    if (reader === undefined) return [];
    try {
      const buffer = Buffer.alloc(Math.min(reader.size, MAX_FILE_BYTES));
      const bytes = await reader.read(buffer, 0);
      return parseStrikes(buffer.toString('utf8', 0, bytes));
    } finally {
      await reader.close();
    }
  }
}

export function formatStrikes(strikes: readonly Strike[]): string {
  return strikes.map((each) => `${JSON.stringify(each)}\n`).join('');
}

export function parseStrikes(text: string): Strike[] {
  return text.split('\n').flatMap((line) => strikeOf(line) ?? []);
}

const REASONS: Readonly<Record<StrikeReason, true>> = {
  'wrong-block': true,
  'wrong-file': true,
  'false-root': true,
  'bad-list': true,
  'too-many': true,
};

function strikeOf(line: string): Strike | undefined {
  if (line === '') return undefined;
  try {
    const { jid, file, why, atMs } = JSON.parse(line) as Record<string, unknown>;
    if (typeof jid !== 'string' || typeof file !== 'string' || !isReason(why)) return undefined;
    if (typeof atMs !== 'number' || !Number.isFinite(atMs)) return undefined;
    return { jid: parseBareJid(jid), file: formatHash(parseHashText(file)), why, atMs };
  } catch (error) {
    if (error instanceof ParseError || error instanceof SyntaxError || error instanceof TypeError)
      return undefined;
    throw error;
  }
}

function isReason(value: unknown): value is StrikeReason {
  return typeof value === 'string' && Object.hasOwn(REASONS, value);
}

/** A strike is one for an address and a file. */
function keyOf({ jid, file }: Strike): string {
  return `${file} ${jid}`;
}

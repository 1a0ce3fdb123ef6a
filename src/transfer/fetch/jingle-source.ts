/**
 * Reads ranges of a file from one source over Jingle: one session that lives as long as reads follow each other,
 * each range a content of it (XEP-0166 §7.2.2), so that the next is agreed on while the last still comes. With a peer that
 * takes no further contents each range has a session of its own.
 *
 * A session without contents is void (§7.2.5). So the last range that came is not acknowledged before the next one
 * is asked for, or some seconds have passed.
 */
import type { BlockList, BlockTree } from '../../blocks/block-tree.js';
import type { Clock, Timer } from '../../clock.js';
import { AbortedError } from '../../errors.js';
import {
  type FileDownload,
  type FileSession,
  type FileSessionRequest,
  SessionEndedError,
} from '../../jingle/file-session.js';
import { SessionFailedError } from '../../jingle/reason.js';
import type { Log } from '../../log.js';
import type { Jid } from '../../stanza/jid.js';
import { StanzaError } from '../../stanza/stanza-error.js';
import { jingleErrorOf } from '../../stanza/xep0166-jingle.js';
import type { FileDescription, Range } from '../../stanza/xep0234-file-transfer.js';
import type { TransportType } from '../../transport/transport.js';
import { RangeRead } from './range-read.js';
import {
  type FoundSource,
  type RangeSource,
  type RangeSourceState,
  type RangeSources,
  SourceError,
  type WantedFile,
} from './range-source.js';
import { sourceErrorOf } from './source-failure.js';
import { whileWanted } from './while-wanted.js';

/** Asks a node for the hashes of a file's blocks. Throws {@link SourceError} and what requests fail with. */
export interface BlockListAsker {
  ask(source: FoundSource, file: WantedFile, tree: BlockTree, signal: AbortSignal): Promise<BlockList>;
}

export interface JingleSourcesComponents {
  /** `JingleEngine` is one. */
  readonly jingle: { session(request: FileSessionRequest): FileSession };
  readonly lists: BlockListAsker;
  readonly clock: Clock;
  readonly log: Log;
}

export interface JingleSourcesInit {
  /** How long a session is kept that nothing is asked of. Default 15,000. */
  readonly holdMs?: number;
}

const DEFAULT_HOLD_MS = 15_000; // it holds a slot of the source's
/** What every peer has that transfers files by Jingle (XEP-0234 §10.2). */
const IN_BAND: TransportType = 'ibb';
const MAX_READS = 2; // one that comes and the next, so that no time is lost between them

export class JingleSources implements RangeSources {
  readonly #components: JingleSourcesComponents;
  readonly #init: JingleSourcesInit;

  constructor(components: JingleSourcesComponents, init: JingleSourcesInit = {}) {
    this.#components = components;
    this.#init = init;
  }

  open(found: FoundSource, file: WantedFile): RangeSource {
    return new JingleSource(this.#components, { found, file, holdMs: this.#init.holdMs ?? DEFAULT_HOLD_MS });
  }
}

export interface JingleSourceInit {
  readonly found: FoundSource;
  readonly file: WantedFile;
  readonly holdMs: number;
}

/** A session, and the reads in it that are under way. */
interface OpenSession {
  readonly session: FileSession;
  readonly reads: Set<RangeRead>;
  /** Came whole, and are not acknowledged yet. */
  readonly held: FileDownload[];
  /** Resolves when the peer has said something to the first read: before that nothing is added. */
  readonly answered: Promise<void>;
  readonly answer: () => void;
  timer: Timer | undefined;
}

export class JingleSource implements RangeSource {
  readonly jid: Jid;
  readonly maxReads = MAX_READS;
  onState: (() => void) | undefined;
  readonly #components: JingleSourcesComponents;
  readonly #init: JingleSourceInit;
  readonly #sessions = new Set<OpenSession>();
  /** The one that further ranges are added to. */
  #shared: OpenSession | undefined;
  /** `own`: the peer takes no further contents. */
  #ranges: 'added' | 'own' = 'added';
  /** What has carried bytes, in any session. */
  #transport: TransportType | undefined;
  #phase: 'open' | 'closed' = 'open';

  constructor(components: JingleSourcesComponents, init: JingleSourceInit) {
    this.#components = components;
    this.#init = init;
    this.jid = init.found.jid;
  }

  get state(): RangeSourceState {
    const reads = [...this.#sessions].flatMap((each) => [...each.reads]);
    const order = ['sending', 'queued', 'connecting'] as const;
    for (const type of order) {
      const read = reads.find((each) => each.state.type === type);
      if (read) return read.state;
    }
    return { type: 'idle' };
  }

  async read(
    range: Required<Range>,
    take: (bytes: Uint8Array) => Promise<void> | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      if (signal.aborted) throw new AbortedError('the read was called off');
      if (this.#phase === 'closed') throw new SourceError('unreachable', 'the source was closed');
      const shared = this.#shared;
      if (shared) await whileWanted(shared.answered, signal);
      if (shared !== this.#shared) continue;
      const isFirst = shared === undefined;
      const open = shared ?? this.#begin();
      const again = await this.#readIn(open, isFirst, range, take, signal);
      if (again === 'done') return;
      // Each turn leaves the session that failed, or all sharing of them.
      if (again === 'alone') {
        this.#ranges = 'own';
        this.#shared = undefined;
      }
    }
  }

  async blocks(tree: BlockTree, signal: AbortSignal): Promise<BlockList> {
    const { found, file } = this.#init;
    try {
      return await this.#components.lists.ask(found, file, tree, signal);
    } catch (error) {
      if (signal.aborted) throw new AbortedError('called off');
      throw sourceErrorOf(error);
    }
  }

  async close(): Promise<void> {
    this.#phase = 'closed';
    const sessions = [...this.#sessions];
    await Promise.all(
      sessions.map((each) => {
        each.timer?.cancel();
        return each.session.end(each.reads.size === 0 ? 'success' : 'cancel');
      }),
    );
  }

  /** `moved`: to be tried in another session; `alone`: the peer takes nothing that is added. */
  async #readIn(
    open: OpenSession,
    isFirst: boolean,
    range: Required<Range>,
    take: (bytes: Uint8Array) => Promise<void> | undefined,
    signal: AbortSignal,
  ): Promise<'done' | 'moved' | 'alone'> {
    const download = open.session.request(this.#selector(range));
    if (isFirst) open.session.begin();
    const read: RangeRead = new RangeRead(download, {
      file: this.#init.file,
      range,
      onState: () => {
        if (read.wasAccepted) open.answer();
        // There is another now; one that has to wait may wait for the slot of those before it.
        if (read.wasAccepted || read.state.type === 'queued') this.#release(open);
        this.onState?.();
      },
    });
    open.reads.add(read);
    this.onState?.();
    try {
      await read.run(take, signal);
      open.reads.delete(read);
      this.#transport = download.transport ?? this.#transport;
      this.#hold(open, download);
      return 'done';
    } catch (error) {
      open.reads.delete(read);
      this.#own(download.finish('cancel'));
      if (signal.aborted) throw new AbortedError('the read was called off');
      if (read.takeFailure) throw read.takeFailure.error;
      const failure = sourceErrorOf(error);
      if (this.#hasOtherTransport(error)) return 'moved';
      if (isFirst || read.wasAccepted || this.#phase === 'closed') throw failure;
      if (isSessionsEnd(error)) {
        if (this.#shared === open) this.#shared = undefined;
        return 'moved';
      }
      if (!isRefusal(error) || failure.code === 'busy' || failure.code === 'not-available') throw failure;
      this.#components.log.debug({ jid: this.jid, error: failure.message }, 'takes no further contents');
      return 'alone';
    } finally {
      open.answer();
      this.onState?.();
    }
  }

  /** A peer that has not the transport offered refuses the session (XEP-0166 §6.3.2), and may have another. */
  #hasOtherTransport(error: unknown): boolean {
    if (!(error instanceof SessionEndedError) || error.reason !== 'unsupported-transports') return false;
    if (this.#transport !== undefined) return false;
    this.#transport = IN_BAND;
    this.#shared = undefined;
    return true;
  }

  #begin(): OpenSession {
    const { jingle } = this.#components;
    const prefer = this.#transport;
    const session = jingle.session({ peer: this.jid, ...(prefer && { prefer }) });
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const open: OpenSession = { session, reads: new Set(), held: [], answered, answer, timer: undefined };
    this.#sessions.add(open);
    if (this.#ranges === 'added') this.#shared = open;
    this.#own(
      session.ended.then(() => {
        open.answer();
        open.timer?.cancel();
        this.#sessions.delete(open);
        if (this.#shared === open) this.#shared = undefined;
      }),
    );
    return open;
  }

  /** A range came whole: acknowledged at once where others go on, else when they do or enough time has passed. */
  #hold(open: OpenSession, download: FileDownload): void {
    const isNeeded = [...open.reads].every((each) => !each.wasAccepted);
    if (!isNeeded || open !== this.#shared || this.#phase === 'closed') {
      this.#own(download.finish('success'));
      return;
    }
    open.held.push(download);
    open.timer?.cancel();
    open.timer = this.#components.clock.after(this.#init.holdMs, () => {
      if (this.#shared === open) this.#shared = undefined; // it ends now
      this.#release(open);
    });
  }

  #release(open: OpenSession): void {
    open.timer?.cancel();
    for (const held of open.held.splice(0)) this.#own(held.finish('success'));
  }

  /** What nobody waits for; it is bounded by the session's timeouts. */
  #own(work: Promise<unknown>): void {
    work.catch((error: unknown) =>
      this.#components.log.debug({ err: error, jid: this.jid }, 'session not ended'),
    );
  }

  /** What selects the file at the source (RFC 5547 §5), and the bytes wanted of it. */
  #selector(range: Required<Range>): FileDescription {
    const { found, file } = this.#init;
    const { path } = found;
    const whole = range.offset === 0 && range.length === file.size;
    return {
      ...(path !== undefined && { name: path, path }),
      size: file.size,
      hashes: [file.hash],
      hashesUsed: [],
      ...(!whole && { range: { ...range, hashes: [] } }),
    };
  }
}

/** Whether a range that was added came too late: the session is over, or the peer has forgotten it (XEP-0166 §6.7). */
function isSessionsEnd(error: unknown): boolean {
  if (error instanceof StanzaError) return jingleErrorOf(error) === 'unknown-session';
  return (
    error instanceof AbortedError || (error instanceof SessionFailedError && error.condition === 'success')
  );
}

/** Whether the peer has said no, or nothing, to a range that was added to a session which goes on. */
function isRefusal(error: unknown): boolean {
  const isSilence = error instanceof SessionFailedError && error.condition === 'timeout';
  return isSilence || error instanceof StanzaError || error instanceof SessionEndedError;
}

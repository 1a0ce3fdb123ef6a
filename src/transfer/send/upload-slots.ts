/**
 * How many sessions are sent files at once, in all and to one peer, and who is next where all slots are
 * taken. The files of one session share its slot; it gives way between two of them when others have waited long
 * enough. Waits for nothing and sends nothing.
 */
import type { Clock } from '../../clock.js';
import { AbortedError, LimitError } from '../../errors.js';
import type { BareJid } from '../../stanza/jid.js';

export interface UploadSlotsInit {
  readonly maxUploads: number;
  readonly maxUploadsPerPeer: number;
  /** Files at once of one session; more are refused, as they might wait for each other. Default 16. */
  readonly maxFilesPerSession?: number;
  /** After so long a session's next file waits its turn like those of others, where others wait. Default 30,000. */
  readonly turnMs?: number;
  /** Requests that wait at once, in all and of one peer. Defaults 256 and 16. */
  readonly maxWaiting?: number;
  readonly maxWaitingPerPeer?: number;
  /** Whose turn comes before those of others. Default: nobody's. */
  readonly isFriend?: (peer: BareJid) => boolean;
}

/** What can be other while it runs. */
export type UploadLimits = Pick<UploadSlotsInit, 'maxUploads' | 'maxUploadsPerPeer' | 'isFriend'>;

/** Whose file it is. */
export interface UploadOwner {
  readonly peer: BareJid;
  /** Of the session; unique for its peer. */
  readonly sid: string;
}

/** A place taken. `free` may be called any number of times. */
export interface UploadSlot {
  free(): void;
}

/** A request that has its slot, or waits for one. */
export interface UploadTurn {
  /** Settles once; rejects with AbortedError after `leave`. */
  readonly slot: Promise<UploadSlot>;
  /** How many would come before it, and itself; 0 when it waits no longer. */
  readonly place: number;
  /** Gives the turn up, or the slot back where it has come meanwhile. */
  leave(): void;
}

export interface UploadSlotsComponents {
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Files under way, and since when the session has had a slot. */
interface Taken {
  readonly files: number;
  readonly sinceMs: number;
}

interface Waiting {
  readonly owner: UploadOwner;
  isFriend: boolean;
  readonly round: number;
  readonly grant: (slot: UploadSlot) => void;
}

const DEFAULT_MAX_FILES = 16; // two under way and two that are just ending are what one fetch needs
const DEFAULT_TURN_MS = 30_000; // some ten ranges of a fetch: the time between two sessions is little beside it
const DEFAULT_MAX_WAITING = 256; // each holds a session
const DEFAULT_MAX_WAITING_PER_PEER = 16;

export class UploadSlots {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #init: UploadSlotsInit;
  /** What each session has, by peer. */
  readonly #taken = new Map<BareJid, Map<string, Taken>>();
  /** In the order in which they are served. */
  #waiting: Waiting[] = [];
  /** The round of each peer's last request. */
  readonly #rounds = new Map<BareJid, number>();
  /** Of the last request that was served. */
  #round = 0;
  #sessions = 0;
  #files = 0;

  constructor(components: UploadSlotsComponents, init: UploadSlotsInit) {
    this.#clock = components.clock;
    this.#init = init;
  }

  /** Holds at once for all that wait; who has a slot keeps it. */
  setLimits(limits: UploadLimits): void {
    this.#init = { ...this.#init, ...limits };
    for (const each of this.#waiting) each.isFriend = limits.isFriend?.(each.owner.peer) ?? false;
    this.#waiting.sort((a, b) => Number(comesBefore(b, a)) - Number(comesBefore(a, b)));
    this.#serve();
  }

  /** Slots in use. */
  get taken(): number {
    return this.#sessions;
  }

  /** Files under way in them. */
  get files(): number {
    return this.#files;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Throws `LimitError` when there is none left for this owner. */
  take(owner: UploadOwner): UploadSlot {
    const reason = this.#refusal(owner);
    if (reason) throw reason;
    if (!this.#taken.get(owner.peer)?.has(owner.sid)) this.#round = this.#roundFor(owner.peer);
    return this.#grant(owner);
  }

  /** Takes a slot, or a turn where there is none. Throws `LimitError` when too many wait already. */
  turn(owner: UploadOwner): UploadTurn {
    const refusal = this.#refusal(owner);
    if (!refusal) return grantedTurn(this.take(owner));
    if (refusal.bound === 'uploads-per-session') throw refusal;
    const { maxWaiting = DEFAULT_MAX_WAITING, maxWaitingPerPeer = DEFAULT_MAX_WAITING_PER_PEER } = this.#init;
    const ofPeer = this.#waiting.filter((each) => each.owner.peer === owner.peer).length;
    if (this.#waiting.length >= maxWaiting) throw new LimitError('waiting', 'too many wait for a slot');
    if (ofPeer >= maxWaitingPerPeer) {
      throw new LimitError('waiting-per-peer', 'too many requests of this peer wait for a slot');
    }
    return this.#wait(owner);
  }

  #wait(owner: UploadOwner): UploadTurn {
    let settled: { readonly slot: UploadSlot } | undefined;
    let refuse: (error: Error) => void = () => undefined;
    let grant: (slot: UploadSlot) => void = () => undefined;
    const slot = new Promise<UploadSlot>((resolve, reject) => {
      grant = resolve;
      refuse = reject;
    });
    slot.catch(() => undefined); // who left need not hear of it
    const entry: Waiting = {
      owner,
      isFriend: this.#init.isFriend?.(owner.peer) ?? false,
      round: this.#roundFor(owner.peer),
      grant: (granted) => {
        settled = { slot: granted };
        grant(granted);
      },
    };
    const behind = this.#waiting.findIndex((each) => comesBefore(entry, each));
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, entry);
    const place = () => (settled ? 0 : this.#waiting.indexOf(entry) + 1);
    return {
      slot,
      get place() {
        return place();
      },
      leave: () => {
        settled?.slot.free();
        this.#waiting = this.#waiting.filter((each) => each !== entry);
        this.#forget(owner.peer);
        refuse(new AbortedError('no longer waiting for a slot'));
      },
    };
  }

  /**
   * The round in which a request is served. Each peer has one turn a round, whether it waits for it or
   * not: so nobody gets ahead by asking for more, and who comes new is not behind everybody.
   */
  #roundFor(peer: BareJid): number {
    const last = this.#rounds.get(peer);
    const round = last === undefined ? this.#round : Math.max(this.#round, last + 1);
    this.#rounds.set(peer, round);
    return round;
  }

  /** A peer that neither has anything nor waits for it begins anew. */
  #forget(peer: BareJid): void {
    if (this.#taken.has(peer) || this.#waiting.some((each) => each.owner.peer === peer)) return;
    this.#rounds.delete(peer);
  }

  #serve(): void {
    for (;;) {
      const next = this.#waiting.find(({ owner }) => !this.#refusal(owner));
      if (!next) return;
      this.#waiting = this.#waiting.filter((each) => each !== next);
      this.#round = next.round;
      next.grant(this.#grant(next.owner));
    }
  }

  /** Why this owner can't have one now. */
  #refusal({ peer, sid }: UploadOwner): LimitError | undefined {
    const { maxUploads, maxUploadsPerPeer, maxFilesPerSession = DEFAULT_MAX_FILES } = this.#init;
    const ofPeer = this.#taken.get(peer);
    const ofSession = ofPeer?.get(sid);
    if (ofSession !== undefined) {
      if (ofSession.files >= maxFilesPerSession) {
        return new LimitError('uploads-per-session', 'this session is sent as many files as it may be');
      }
      const { turnMs = DEFAULT_TURN_MS } = this.#init;
      const isLong = this.#clock.monotonic() - ofSession.sinceMs >= turnMs;
      const others = isLong && this.#waiting.some(({ owner }) => owner.sid !== sid || owner.peer !== peer);
      return others ? new LimitError('uploads', 'others have their turn') : undefined;
    }
    if (this.#sessions >= maxUploads) return new LimitError('uploads', 'all upload slots are taken');
    if ((ofPeer?.size ?? 0) < maxUploadsPerPeer) return undefined;
    return new LimitError('uploadsPerPeer', 'this peer has all the upload slots it may have');
  }

  #grant(owner: UploadOwner): UploadSlot {
    this.#count(owner, 1);
    let free = false;
    return {
      free: () => {
        if (free) return;
        free = true;
        this.#count(owner, -1);
        this.#forget(owner.peer);
        this.#serve();
      },
    };
  }

  #count({ peer, sid }: UploadOwner, by: 1 | -1): void {
    const ofPeer = this.#taken.get(peer) ?? new Map<string, Taken>();
    const { files: before, sinceMs } = ofPeer.get(sid) ?? { files: 0, sinceMs: this.#clock.monotonic() };
    this.#files += by;
    if (before + by > 0) ofPeer.set(sid, { files: before + by, sinceMs });
    else ofPeer.delete(sid);
    if (before === 0) this.#sessions += 1;
    else if (before + by === 0) this.#sessions -= 1;
    if (ofPeer.size > 0) this.#taken.set(peer, ofPeer);
    else this.#taken.delete(peer);
  }
}

function comesBefore(a: Waiting, b: Waiting): boolean {
  return a.isFriend === b.isFriend ? a.round < b.round : a.isFriend;
}

function grantedTurn(slot: UploadSlot): UploadTurn {
  return { slot: Promise.resolve(slot), place: 0, leave: () => slot.free() };
}

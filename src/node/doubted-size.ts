/**
 * Downloads a file by a hash of which several sizes are told, so that all but one are lies. Each has its turn, and
 * again until nobody has given anything of any for as long as was asked for: who has the file may come back, or come
 * only then. What has come of each is kept beside the target.
 */
import { type Clock, sleep } from '../clock.js';
import { AbortedError } from '../errors.js';
import type { DownloadEvent } from '../transfer/fetch/download-events.js';
import { FetchError, type FetchErrorCode } from '../transfer/fetch/fetch-request.js';
import type { Asker, DownloadOrder, OtherSize } from './asker.js';

export interface DoubtedSizeComponents {
  readonly asker: Pick<Asker, 'download'>;
  readonly clock: Clock;
}

/** A download that ends with these may have been of a size that is a lie; after the latter two it will end so again. */
const MAY_BE_LIES: readonly FetchErrorCode[] = ['no-source-left', 'hash-mismatch', 'exists'];
/** A channel is asked anew in each turn; in the first of all it is only seen who is there. */
const FIRST_TURN_MS = 30_000;
const MAX_TURN_MS = 10 * 60_000;
/** A round takes no less, also when all fail at once. */
const MIN_ROUND_MS = 10_000;
const MAX_SIZES = 100;
const MAX_SOURCES = 100; // of one size that was told of meanwhile: the others are found in its turn

/** `orders` differ in size and sources; there is at least one. Ends with `done`. Throws FetchError and AbortedError. */
export async function* downloadDoubted(
  components: DoubtedSizeComponents,
  orders: readonly DownloadOrder[],
  signal?: AbortSignal,
): AsyncGenerator<DownloadEvent> {
  const { asker, clock } = components;
  const waitMs = orders[0]?.waitMs ?? 0;
  const sizes = new Sizes(orders);
  const patience = new Patience(clock, waitMs);
  let failure: unknown;
  for (let turnMs = 0; ; turnMs = Math.min(MAX_TURN_MS, Math.max(FIRST_TURN_MS, turnMs * 2))) {
    const beganMs = clock.monotonic();
    for (const order of sizes.each()) {
      const isAlone = sizes.open === 1;
      const over = new AbortController();
      const onOtherSize = (found: OtherSize) => {
        // Those who tell it may have the file, and here nobody gives anything: it has its turn soon.
        const added = sizes.add(found);
        const isBetter = isAlone || added === 'new' || patience.hasSome(found.size);
        if (added !== 'no' && isBetter && patience.isWaiting) over.abort();
      };
      const turn = {
        ...order,
        waitMs: isAlone ? patience.leftMs : Math.min(turnMs, patience.leftMs),
        ...(!isAlone && { isDoubted: true }),
        onOtherSize,
      };
      try {
        const until = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
        for await (const event of asker.download(turn, until)) {
          const shown = patience.heard(event, order.file.size, isAlone);
          if (shown) yield shown;
        }
        return;
      } catch (thrown) {
        if (thrown instanceof AbortedError && over.signal.aborted && signal?.aborted !== true) continue;
        if (!(thrown instanceof FetchError)) throw thrown;
        // A size for which there is no room may be a lie too, unless blocks of it have come.
        const isTooLarge = thrown.code === 'no-space' && !patience.hasSome(order.file.size);
        if (!MAY_BE_LIES.includes(thrown.code) && !(isTooLarge && sizes.open > 1)) throw thrown;
        failure = thrown;
        if (thrown.code !== 'no-source-left') sizes.drop(order);
      }
    }
    if (failure !== undefined && (sizes.open === 0 || patience.leftMs === 0)) throw failure;
    await sleep(
      clock,
      Math.min(patience.leftMs, Math.max(0, beganMs + MIN_ROUND_MS - clock.monotonic())),
      signal,
    );
  }
}

/** The sizes that are told. */
class Sizes {
  readonly #orders = new Map<number, DownloadOrder>();
  readonly #dropped = new Set<number>();
  readonly #first: DownloadOrder | undefined;

  constructor(orders: readonly DownloadOrder[]) {
    for (const order of orders) this.#orders.set(order.file.size, order);
    this.#first = orders[0];
  }

  /** How many may still be the file's. */
  get open(): number {
    return this.#orders.size - this.#dropped.size;
  }

  /** Also those that are added meanwhile. */
  *each(): Generator<DownloadOrder> {
    for (const [size] of this.#orders) {
      const order = this.#orders.get(size);
      if (order && !this.#dropped.has(size)) yield order;
    }
  }

  drop({ file }: DownloadOrder): void {
    this.#dropped.add(file.size);
  }

  /** `no` when it can't be tried. */
  add({ size, dateMs, source }: OtherSize): 'new' | 'known' | 'no' {
    const known = this.#orders.get(size);
    const order = known ?? this.#first;
    if (order === undefined || this.#dropped.has(size)) return 'no';
    if (known === undefined) {
      if (this.#orders.size >= MAX_SIZES) return 'no';
      const { modifiedMs: _, ...rest } = order;
      const file = { ...order.file, size };
      const date = dateMs === undefined ? {} : { modifiedMs: dateMs };
      this.#orders.set(size, { ...rest, ...date, file, sources: [source] });
    } else if (known.sources.length < MAX_SOURCES && known.sources.every(({ jid }) => jid !== source.jid)) {
      this.#orders.set(size, { ...known, sources: [...known.sources, source] });
    }
    return known === undefined ? 'new' : 'known';
  }
}

/** How long it may go on without a block of any size. */
class Patience {
  readonly #clock: Clock;
  readonly #waitMs: number;
  /** By size, what is there. */
  readonly #settled = new Map<number, number>();
  #sinceMs: number;
  #isTold = false;
  #receivedBytes = 0;
  isWaiting = false;

  constructor(clock: Clock, waitMs: number) {
    this.#clock = clock;
    this.#waitMs = waitMs;
    this.#sinceMs = clock.monotonic();
  }

  get leftMs(): number {
    return Math.max(0, this.#sinceMs + this.#waitMs - this.#clock.monotonic());
  }

  /** Whether any block of it is there. */
  hasSome(size: number): boolean {
    return (this.#settled.get(size) ?? 0) > 0;
  }

  /** The event as it is to be shown: where sizes take turns, that it waits is told once, and how long in all. */
  heard(event: DownloadEvent, size: number, isAlone: boolean): DownloadEvent | undefined {
    if (event.type === 'waiting') {
      this.isWaiting = true;
      if (isAlone) return event;
      if (this.#isTold) return undefined;
      this.#isTold = true;
      return { ...event, forMs: this.leftMs };
    }
    if (event.type !== 'progress') return event;
    if (event.receivedBytes > this.#receivedBytes) this.isWaiting = false;
    this.#receivedBytes = event.receivedBytes;
    const before = this.#settled.get(size) ?? event.resumedBytes;
    this.#settled.set(size, Math.max(before, event.settledBytes));
    if (event.settledBytes <= before) return event;
    this.#sinceMs = this.#clock.monotonic();
    this.#isTold = false;
    this.isWaiting = false;
    return event;
  }
}

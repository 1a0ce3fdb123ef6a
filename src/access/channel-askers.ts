/** Who has asked on which channel of late. Who may publish there is its service's affair, and so stands for it here. */
import type { Clock } from '../clock.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import type { BareJid } from '../stanza/jid.js';

/** As long as somebody may reasonably take to fetch what was found; who takes longer asks again. */
const REMEMBERED_MS = 24 * 60 * 60_000;
/** Some 4 MB; two for each who asked. The one who asked longest ago is forgotten first, and has to ask again. */
const MAX_REMEMBERED = 20_000;

interface Asked {
  readonly asker: BareJid;
  /** Undefined stands for any. */
  readonly channel: ChannelAddress | undefined;
  /** On the monotonic clock. */
  readonly atMs: number;
}

export class ChannelAskers {
  readonly #clock: Clock;
  /** The oldest first. */
  readonly #asked = new Map<string, Asked>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  /** The service vouches for the address, or it has confirmed itself that it asked. */
  asked(asker: BareJid, channel: ChannelAddress): void {
    this.#note(asker, channel, this.#clock.monotonic());
    for (const oldest of this.#asked.keys()) {
      if (this.#asked.size <= MAX_REMEMBERED) break;
      this.#asked.delete(oldest);
    }
  }

  /** Forgets who asked on others. */
  retain(isKept: (channel: ChannelAddress) => boolean): void {
    const before = [...this.#asked.values()];
    this.#asked.clear();
    for (const { asker, channel, atMs } of before)
      if (channel && isKept(channel)) this.#note(asker, channel, atMs);
  }

  /** On this channel; without one, on any. */
  hasAsked(asker: BareJid, channel?: ChannelAddress): boolean {
    const asked = this.#asked.get(keyOf(asker, channel));
    return asked !== undefined && this.#clock.monotonic() - asked.atMs < REMEMBERED_MS;
  }

  #note(asker: BareJid, channel: ChannelAddress, atMs: number): void {
    for (const each of [channel, undefined]) {
      const key = keyOf(asker, each);
      this.#asked.delete(key);
      this.#asked.set(key, { asker, channel: each, atMs });
    }
  }
}

function keyOf(asker: BareJid, channel: ChannelAddress | undefined): string {
  return channel ? `${asker}\n${channel.service}\n${channel.nodeId}` : asker;
}

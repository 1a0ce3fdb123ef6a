/** Who has asked on which channel of late. Who may publish there is its service's affair, and so stands for it here. */
import type { Clock } from '../clock.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import type { BareJid } from '../stanza/jid.js';

/** As long as somebody may reasonably take to fetch what was found; who takes longer asks again. */
const REMEMBERED_MS = 24 * 60 * 60_000;
/** Some 4 MB; two for each who asked. The one who asked longest ago is forgotten first, and has to ask again. */
const MAX_REMEMBERED = 20_000;

export class ChannelAskers {
  readonly #clock: Clock;
  /** When, on the monotonic clock, the oldest first. */
  readonly #askedAtMs = new Map<string, number>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  /** The service vouches for the address, or it has confirmed itself that it asked. */
  asked(asker: BareJid, channel: ChannelAddress): void {
    this.#note(keyOf(asker, channel));
    this.#note(keyOf(asker, undefined));
    for (const oldest of this.#askedAtMs.keys()) {
      if (this.#askedAtMs.size <= MAX_REMEMBERED) break;
      this.#askedAtMs.delete(oldest);
    }
  }

  /** On this channel; without one, on any. */
  hasAsked(asker: BareJid, channel?: ChannelAddress): boolean {
    const askedAtMs = this.#askedAtMs.get(keyOf(asker, channel));
    return askedAtMs !== undefined && this.#clock.monotonic() - askedAtMs < REMEMBERED_MS;
  }

  #note(key: string): void {
    this.#askedAtMs.delete(key);
    this.#askedAtMs.set(key, this.#clock.monotonic());
  }
}

function keyOf(asker: BareJid, channel: ChannelAddress | undefined): string {
  return channel ? `${asker}\n${channel.service}\n${channel.nodeId}` : asker;
}

/** *My transfers*: what is on its way to whoever asks, and an end to what is ticked. */
import { formatBytes } from '../../quantities.js';
import { type BareJid, bareOf, type Jid } from '../../stanza/jid.js';
import { type Command, info, lastStage, type Stage, type Submit, tickedOf, tickField } from './command.js';

/** A file on its way to a peer. */
export interface OutgoingTransfer {
  /** The full address that gets it. */
  readonly peer: Jid;
  /** `share/folder/name`. */
  readonly path: string;
  readonly state: 'waiting' | 'active' | 'ended';
  readonly bytes: number;
  readonly fileBytes?: number;
  readonly bytesPerSecond: number;
}

export interface OutgoingTransfers {
  /** To all addresses of an account, the oldest first. */
  to(account: BareJid): readonly OutgoingTransfer[];
  /** False when it is over already. */
  cancel(transfer: OutgoingTransfer): boolean;
}

const CANCEL = 'cancel';

export class TransfersCommand implements Command {
  readonly nodeId = 'transfers';
  readonly name = 'My transfers';
  readonly #transfers: OutgoingTransfers;

  constructor(components: { readonly transfers: OutgoingTransfers }) {
    this.#transfers = components.transfers;
  }

  isFor(): boolean {
    return true;
  }

  begin(asker: Jid): Stage {
    const transfers = this.#transfers.to(bareOf(asker)).filter(({ state }) => state !== 'ended');
    if (transfers.length === 0) return lastStage([info('Nothing is on its way to you.')]);
    const submit: Submit = (form) => {
      const ticked = tickedOf(form, CANCEL, transfers, labelOf);
      if (ticked.length === 0) return info('Tick what is to be ended, or close the window.');
      return lastStage(
        ticked.map((transfer) =>
          info(`${transfer.path} ${this.#transfers.cancel(transfer) ? 'was ended' : 'was over already'}.`),
        ),
      );
    };
    return {
      form: {
        type: 'form',
        title: 'My transfers',
        instructions: 'Tick what is to be ended.',
        fields: [tickField({ name: CANCEL, label: 'Transfers' }, transfers, labelOf)],
      },
      notes: [],
      submit,
      button: 'complete',
    };
  }
}

function labelOf({ path, state, bytes, fileBytes, bytesPerSecond }: OutgoingTransfer): string {
  if (state === 'waiting') return `${path}: waits for its turn`;
  const of = fileBytes === undefined ? '' : ` of ${formatBytes(fileBytes)}`;
  return `${path}: ${formatBytes(bytes)}${of}, ${formatBytes(bytesPerSecond)}/s`;
}

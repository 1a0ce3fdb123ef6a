/** What the parts know of themselves, in the words of `NodeStatus`. */
import type { ChannelState } from '../channel/channel-machine.js';
import type { QueryOutcome } from '../channel/query-responder.js';
import type { ShareStatus as ScannedShare } from '../scan/scanner.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import type { ChannelStatus, HashingStatus, QueryCounters, ShareStatus } from './node-status.js';

export function channelStatusOf({ service, nodeId }: ChannelAddress, state: ChannelState): ChannelStatus {
  const channel = { service, node: nodeId };
  switch (state.type) {
    case 'subscribed':
      return { ...channel, state: 'joined' };
    case 'waiting':
      return { ...channel, state: 'failed', text: state.reason };
    case 'stopped':
      return { ...channel, state: 'failed', text: 'stopped' };
    default:
      return { ...channel, state: 'joining' };
  }
}

export function sharesOf(scanned: readonly ScannedShare[]): ShareStatus[] {
  return scanned.map(({ share, files, bytes, available }) => ({ name: share, files, bytes, available }));
}

export function hashingOf({ filesDone, filesLeft, bytesLeft, bytesPerSecond }: HashingStatus): HashingStatus {
  return { filesDone, filesLeft, bytesLeft, bytesPerSecond };
}

/** Of those that came by channels, by what became of them, and of those that came to us. */
export function queriesOf(
  outcomes: Readonly<Record<QueryOutcome, number>>,
  direct: { readonly answered: number; readonly refused: number },
): QueryCounters {
  const all = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  return {
    received: all + direct.answered + direct.refused,
    answered: outcomes.answered + direct.answered,
    refused: direct.refused,
    dropped: all - outcomes.answered - outcomes['no-match'],
  };
}

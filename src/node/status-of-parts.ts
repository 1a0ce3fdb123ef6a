/** What the parts know of themselves, in the words of `NodeStatus`. */
import type { ChannelState } from '../channel/channel-machine.js';
import type { ShareStatus as ScannedShare } from '../scan/scanner.js';
import type { ChannelAddress } from '../stanza/file-discovery.js';
import type { ChannelStatus, ShareStatus } from './node-status.js';

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

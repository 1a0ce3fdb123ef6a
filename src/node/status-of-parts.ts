/** What the parts know of themselves, in the words of `NodeStatus`. */
import type { FileEntry } from '../catalogue/file-entry.js';
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

export function sharesOf(scanned: readonly ScannedShare[], entries: Iterable<FileEntry>): ShareStatus[] {
  const sums = new Map(scanned.map(({ share }) => [share, { files: 0, bytes: 0 }]));
  for (const { share, size } of entries) {
    const sum = sums.get(share);
    if (!sum) continue;
    sum.files += 1;
    sum.bytes += size;
  }
  return scanned.map(({ share, available }) => {
    const { files, bytes } = sums.get(share) ?? { files: 0, bytes: 0 };
    return { name: share, files, bytes, available };
  });
}

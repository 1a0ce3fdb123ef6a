/** What a person should know of a download beside how far it is, each in a line. */
import { messageOf } from '../errors.js';
import { formatDuration } from '../quantities.js';
import type { DownloadEvent, StrikeReason } from '../transfer/fetch/download-events.js';
import { printable } from './printable.js';

export type Notice = Exclude<
  DownloadEvent,
  { readonly type: 'progress' | 'verifying' | 'done' | 'source-found' }
>;

const REASONS: Readonly<Record<StrikeReason, string>> = {
  'wrong-block': 'sent wrong bytes',
  'wrong-file': 'gave bytes that are not those of this file',
  'false-root': 'named blocks that make another file',
  'bad-list': 'sent a list of blocks that is not the one it promised',
  'too-many': 'sent more than it was asked for',
};

export function noticeOf(event: Notice): string {
  switch (event.type) {
    case 'source-failed': {
      const again = event.retryMs === undefined ? '' : `; asked again in ${formatDuration(event.retryMs)}`;
      return `${printable(event.jid)} failed: ${printable(messageOf(event.error))}${again}`;
    }
    case 'strike': {
      const block = event.block === undefined ? '' : `, block ${event.block}`;
      const fate = event.forGood ? 'never asked again' : 'not asked for this file again';
      return `${printable(event.jid)} ${REASONS[event.why]}${block}: ${fate} (strike ${event.strikes})`;
    }
    case 'other-blocks':
      return `${listed(event.jids)}: the same file with other blocks, kept in case those of the others are wrong`;
    case 'condemned':
      return `the blocks that ${listed(event.jids)} named do not make this file: beginning anew`;
    case 'waiting':
      return `nobody can give anything now; waiting for ${formatDuration(event.forMs)} at most`;
  }
}

const SHOWN = 5;

function listed(jids: readonly string[]): string {
  const names = jids.slice(0, SHOWN).map(printable);
  if (jids.length > SHOWN) names.push(`${jids.length - SHOWN} more`);
  return names.join(', ');
}

/** How fast a node sends files, and at which time of the day. */
import { kind, listOf, tableOf, whole } from './kinds.js';
import { optional, required, withDefault } from './option.js';

const MAX_PERIODS = 48;
/** Below, transfers would stand still for so long that they are given up. */
const rate = whole(10_000, 1_000_000_000_000);

/** Minutes since midnight. */
const timeOfDay = kind('a time such as 07:30, in quotes, from 00:00 to 23:59', (value) => {
  const match = typeof value === 'string' ? /^([01][0-9]|2[0-3]):([0-5][0-9])$/.exec(value) : null;
  return match ? Number(match[1]) * 60 + Number(match[2]) : undefined;
});

export const bandwidthPeriodOptions = {
  from: required(timeOfDay, { reason: 'When it begins, local time.', example: "'22:00'" }),
  to: required(timeOfDay, { reason: 'When it ends; before `from`: on the next day.', example: "'06:30'" }),
  bytesPerSecond: optional(rate, {
    unit: 'bytes',
    reason: 'In all, each second. Without it: as fast as it goes.',
    example: '20000000',
  }),
  bytesPerSecondPerPeer: optional(rate, {
    unit: 'bytes',
    reason: 'To one peer (bare JID). Without it: as fast as it goes.',
    example: '5000000',
  }),
};

export const bandwidthOptions = {
  'bandwidth.bytesPerSecond': optional(rate, {
    unit: 'bytes',
    reason: 'How fast files are sent in all, each second. Without it: as fast as it goes.',
    example: '2000000',
  }),
  'bandwidth.bytesPerSecondPerPeer': optional(rate, {
    unit: 'bytes',
    reason: 'How fast files are sent to one peer (bare JID), each second. Without it: as fast as it goes.',
    example: '500000',
  }),
  'bandwidth.times': withDefault(listOf(tableOf(bandwidthPeriodOptions), MAX_PERIODS), [], {
    reason:
      'Other bounds at other times of the day, each in place of both of those above; the first that fits counts.',
    aside: true,
  }),
};

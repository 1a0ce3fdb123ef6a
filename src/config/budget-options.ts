/**
 * What is given to others a minute: to each asker (bare JID), to all of a domain, through one channel, and to everybody
 * together. One that is used up fills again evenly. Each row's reason names the cost that it bounds.
 */
import { whole } from './kinds.js';
import { withDefault } from './option.js';

const count = whole(1, 10_000_000);
const bytes = whole(10_000, 100_000_000_000);
/** All that two search threads can do. */
const workMs = whole(10, 120_000);

export const budgetOptions = {
  'limits.requestsPerAskerPerMinute': withDefault(count, 3000, {
    reason:
      'Requests of any kind of one peer (bare JID), before they are read. What belongs to a session that is there is not ' +
      'counted.',
  }),
  'limits.requestsPerDomainPerMinute': withDefault(count, 30_000, {
    reason: 'The same of all peers of one domain.',
  }),
  'limits.requestsPerMinute': withDefault(count, 120_000, {
    reason: 'The same of everybody together.',
  }),
  'limits.refusalsPerAskerPerMinute': withDefault(count, 60, {
    reason:
      'How often one peer (bare JID) is told that it is over a limit. Who goes on is not answered at all for 10 s, and ' +
      'twice as long each time. Five answers with another error count as one of these.',
  }),
  'limits.queriesPerAskerPerMinute': withDefault(count, 120, {
    reason: 'Searches of one asker (bare JID).',
  }),
  'limits.queriesPerDomainPerMinute': withDefault(count, 1500, {
    reason: 'Searches of all askers of one domain.',
  }),
  'limits.queriesPerChannelPerMinute': withDefault(count, 600, {
    reason: 'Searches that come by one channel.',
  }),
  'limits.queriesPerMinute': withDefault(count, 3000, {
    reason: 'Searches of everybody together.',
  }),
  'limits.searchMsPerAskerPerMinute': withDefault(workMs, 20_000, {
    unit: 'ms',
    reason:
      'CPU: the time that searches of one asker take, and looks into folders. Who has used up more waits until it is made good.',
  }),
  'limits.searchMsPerDomainPerMinute': withDefault(workMs, 40_000, {
    unit: 'ms',
    reason: 'The same of all askers of one domain.',
  }),
  'limits.searchMsPerChannelPerMinute': withDefault(workMs, 40_000, {
    unit: 'ms',
    reason: 'The same of searches that come by one channel.',
  }),
  'limits.searchMsPerMinute': withDefault(workMs, 80_000, {
    unit: 'ms',
    reason: 'The same of everybody together. Two threads search, so 120000 is all there is.',
  }),
  'limits.answerFilesPerAskerPerMinute': withDefault(count, 12_000, {
    reason: 'Files that one asker is told of: how fast the whole list can be copied.',
  }),
  'limits.answerFilesPerDomainPerMinute': withDefault(count, 60_000, {
    reason: 'The same of all askers of one domain.',
  }),
  'limits.answerFilesPerChannelPerMinute': withDefault(count, 60_000, {
    reason: 'The same of searches that come by one channel.',
  }),
  'limits.answerFilesPerMinute': withDefault(count, 150_000, {
    reason: 'The same of everybody together.',
  }),
  'limits.answerBytesPerAskerPerMinute': withDefault(bytes, 6_000_000, {
    unit: 'bytes',
    reason: 'Traffic of the server: length of the answers to one asker.',
  }),
  'limits.answerBytesPerDomainPerMinute': withDefault(bytes, 30_000_000, {
    unit: 'bytes',
    reason: 'The same of all askers of one domain.',
  }),
  'limits.answerBytesPerChannelPerMinute': withDefault(bytes, 30_000_000, {
    unit: 'bytes',
    reason: 'The same of searches that come by one channel.',
  }),
  'limits.answerBytesPerMinute': withDefault(bytes, 75_000_000, {
    unit: 'bytes',
    reason: 'The same of everybody together.',
  }),
  'limits.concurrentQueriesPerAsker': withDefault(whole(1, 256), 4, {
    reason: 'Searches of one asker (bare JID) at a time.',
  }),
  'limits.concurrentQueriesPerDomain': withDefault(whole(1, 1000), 64, {
    reason: 'The same of all askers of one domain.',
  }),
  'limits.concurrentQueriesPerChannel': withDefault(whole(1, 1000), 64, {
    reason: 'The same of searches that come by one channel; more wait for their turn.',
  }),
  'limits.fileRequestsPerAskerPerMinute': withDefault(count, 6000, {
    reason:
      'Open files, disk reads: files, or ranges of them, that one asker (bare JID) asks for. One that is not there counts as ' +
      'twenty, and one that is asked for by neither hash nor full path as one more for each 10,000 files there are, or 1000 ' +
      'that may be meant.',
  }),
  'limits.fileRequestsPerDomainPerMinute': withDefault(count, 30_000, {
    reason: 'The same of all askers of one domain.',
  }),
  'limits.fileRequestsPerMinute': withDefault(count, 60_000, {
    reason: 'The same of everybody together.',
  }),
};

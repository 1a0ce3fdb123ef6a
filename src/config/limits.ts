/**
 * Limits on what others can make a node spend. Each row's reason names the cost that it bounds.
 * Where a limit is reached, a request is refused with an error that says so, or dropped and counted.
 */
import { availableParallelism } from 'node:os';
import { budgetOptions } from './budget-options.js';
import { whole } from './kinds.js';
import { withDefault } from './option.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

// Hashing reads files as fast as the cores allow; one core stays free for everything else.
const freeCores = Math.max(1, availableParallelism() - 1);

export const strikeLimit = whole(0, 1000);
export const DEFAULT_STRIKES = 3;
export const STRIKES_REASON =
  'Bytes fetched for nothing: whoever (bare JID) sent something wrong for so many files is not asked for any again. 0: ' +
  'only not for those.';

export const limitOptions = {
  'limits.pendingIqs': withDefault(whole(16, 100_000), 1000, {
    reason:
      'Memory: requests of ours that wait for an answer. An account gets an eighth of them, a service a quarter.',
  }),
  'limits.iqTimeoutMs': withDefault(whole(1000, 5 * MINUTE_MS), 30_000, {
    unit: 'ms',
    reason: 'How long a peer may leave a request of ours unanswered.',
  }),
  'limits.queryDeadlineMs': withDefault(whole(50, MINUTE_MS), 2000, {
    unit: 'ms',
    reason: 'CPU time of one search; expensive patterns end here.',
  }),
  'limits.concurrentQueries': withDefault(whole(1, 256), 8, {
    reason: 'Searches that share the search worker at a time.',
  }),
  'limits.queuedQueries': withDefault(whole(1, 100_000), 256, {
    reason: 'Memory: searches that wait for their turn.',
  }),
  'limits.answerFiles': withDefault(whole(1, 1000), 100, {
    reason: 'Files in one answer. More come by asking for the next page.',
  }),
  'limits.defaultAnswerFiles': withDefault(whole(1, 1000), 50, {
    reason: 'Files in one answer where the asker names no number.',
  }),
  'limits.answerBytes': withDefault(whole(4096, 60_000), 48_000, {
    unit: 'bytes',
    reason: 'Length of one answer, whatever the number of files.',
  }),
  ...budgetOptions,
  'limits.blockListsPerAskerPerMinute': withDefault(whole(1, 100_000), 600, {
    reason: 'Disk reads: pages of block hashes, 32 KiB each, that one asker (bare JID) is given.',
  }),
  'limits.blockListsPerMinute': withDefault(whole(1, 1_000_000), 6000, {
    reason: 'The same of everybody together.',
  }),
  'limits.spreadMs': withDefault(whole(0, MINUTE_MS), 5000, {
    unit: 'ms',
    reason:
      'Longest random delay of an answer that an asker may ask for; the answer stays in memory meanwhile.',
  }),
  'limits.expiresMs': withDefault(whole(1000, 5 * MINUTE_MS), 5 * MINUTE_MS, {
    unit: 'ms',
    reason: 'How far ahead the end of a channel query is believed; its id is remembered until then.',
  }),
  'limits.defaultExpiresMs': withDefault(whole(1000, 5 * MINUTE_MS), 30_000, {
    unit: 'ms',
    reason: 'How long a channel query is answered that does not say when it ends.',
  }),
  'limits.confirmTimeoutMs': withDefault(whole(500, MINUTE_MS), 10_000, {
    unit: 'ms',
    reason: 'How long an asker may take to confirm that it asked; the query stays in memory meanwhile.',
  }),
  'limits.pendingAnswers': withDefault(whole(1, 100_000), 1000, {
    reason: 'Memory: channel answers that wait for their random delay or for the asker to confirm.',
  }),
  'limits.rememberedQueries': withDefault(whole(16, 1_000_000), 10_000, {
    reason: 'Memory: ids of channel queries that were seen, so that none is answered twice.',
  }),
  'limits.keptQuestions': withDefault(whole(0, 100_000), 1000, {
    reason:
      'Memory and searches: questions that are kept, and answered again as files come. 0: none is, and nobody is told ' +
      'that they could be.',
  }),
  'limits.keptQuestionsPerAsker': withDefault(whole(1, 100_000), 20, {
    reason: 'The same, of one asker (bare JID).',
  }),
  'limits.keptQuestionsPerDomain': withDefault(whole(1, 100_000), 400, {
    reason: 'The same, of all askers of one domain.',
  }),
  'limits.keptQuestionMs': withDefault(whole(MINUTE_MS, 7 * DAY_MS), DAY_MS, {
    unit: 'ms',
    reason: 'How long a question is kept. Whoever still wants it asks again.',
  }),
  'limits.conversations': withDefault(whole(0, 100_000), 1000, {
    reason: 'Memory: chats with people, and the lists that they were shown. 0: nobody is answered in a chat.',
  }),
  'limits.conversationIdleMs': withDefault(whole(MINUTE_MS, DAY_MS), 60 * MINUTE_MS, {
    unit: 'ms',
    reason: 'How long a chat in which nothing is said is remembered.',
  }),
  'limits.chatAnswersPerPeerPerMinute': withDefault(whole(1, 1000), 30, {
    reason: 'Answers in a chat with one peer (bare JID). Whoever says more is not answered for five minutes.',
  }),
  'limits.chatAnswersPerDomainPerMinute': withDefault(whole(1, 100_000), 400, {
    reason: 'The same of all peers of one domain.',
  }),
  'limits.chatAnswersPerMinute': withDefault(whole(1, 100_000), 1200, {
    reason: 'The same of everybody together.',
  }),
  'limits.folderSubscriptions': withDefault(whole(0, 100_000), 1000, {
    reason:
      'Memory and stanzas: who wants to hear of files that come into a folder (XEP-0498). 0: nobody is told.',
  }),
  'limits.folderSubscriptionsPerAsker': withDefault(whole(1, 100_000), 20, {
    reason: 'The same, of one asker (bare JID).',
  }),
  'limits.folderSubscriptionsPerDomain': withDefault(whole(1, 100_000), 400, {
    reason: 'The same, of all askers of one domain.',
  }),
  'limits.hashWaitMs': withDefault(whole(0, MINUTE_MS), 2000, {
    unit: 'ms',
    reason: 'How long an answer waits for files that are not hashed yet; later ones are counted as pending.',
  }),
  'limits.urgentHashes': withDefault(whole(1, 10_000), 200, {
    reason: 'Disk reads: unhashed files of one answer that are moved to the front of the hash queue.',
  }),
  'limits.hashThreads': withDefault(whole(1, 256), freeCores, {
    reason:
      'CPU: threads that hash; cores beyond these hash blocks beside them. Without this line: one less than the machine has cores.',
    example: '2',
  }),
  'limits.sessions': withDefault(whole(1, 10_000), 256, {
    reason: 'Memory: Jingle sessions at a time.',
  }),
  'limits.sessionsPerPeer': withDefault(whole(1, 10_000), 16, {
    reason: 'Memory: Jingle sessions of one peer (bare JID).',
  }),
  'limits.sessionsPerDomain': withDefault(whole(1, 10_000), 192, {
    reason: 'Memory: Jingle sessions of all peers of one domain.',
  }),
  'limits.uploads': withDefault(whole(1, 10_000), 32, {
    reason:
      'Open files, sockets and disk reads: sessions that are sent files at a time. Others wait their turn.',
  }),
  'limits.uploadsPerPeer': withDefault(whole(1, 10_000), 8, {
    reason: 'Sessions in which files are sent to one peer (bare JID) at a time.',
  }),
  'limits.leastUploadBytesPerSecond': withDefault(whole(0, 1_000_000_000), 4096, {
    unit: 'bytes',
    reason:
      'Who takes less than this each second, for a minute or two, loses the upload slot when others wait for one. 0: nobody ' +
      'does.',
  }),
  'limits.sessionIdleMs': withDefault(whole(5000, 60 * MINUTE_MS), MINUTE_MS, {
    unit: 'ms',
    reason:
      'How long a session may stand still before it is ended; a stalled peer holds a file and a socket.',
  }),
  'limits.strikes': withDefault(strikeLimit, DEFAULT_STRIKES, {
    reason: STRIKES_REASON,
  }),
  'limits.candidates': withDefault(whole(1, 64), 10, {
    reason: 'Addresses of one session that we connect to on behalf of a peer.',
  }),
  'limits.candidateTimeoutMs': withDefault(whole(500, MINUTE_MS), 5000, {
    unit: 'ms',
    reason: 'How long one such address is tried, greeting included.',
  }),
  'limits.failedConnectsPerAddressPerMinute': withDefault(whole(1, 1000), 8, {
    reason: 'How often we knock where nobody answers, at one address, because peers say so.',
  }),
  'limits.failedConnectsPerPeerPerMinute': withDefault(whole(1, 10_000), 60, {
    reason: 'The same, anywhere, at the word of one peer (bare JID).',
  }),
  'limits.failedConnectsPerMinute': withDefault(whole(1, 100_000), 600, {
    reason: 'The same at the word of everybody together.',
  }),
  'limits.socksConnections': withDefault(whole(1, 10_000), 128, {
    reason:
      'Sockets: connections to our SOCKS5 listener that have not said yet which session they belong to.',
  }),
  'limits.linkConnections': withDefault(whole(1, 10_000), 128, {
    reason:
      'Sockets: connections to our listener for links that have shown no link that is good. Files go out by the slots of `uploads`.',
  }),
  'limits.ibbBlockBytes': withDefault(whole(1024, 32_768), 8192, {
    unit: 'bytes',
    reason: 'Size of an in-band block; server queues grow with it. 4 to 16 KiB is fastest.',
  }),
  'limits.ibbWindow': withDefault(whole(1, 64), 8, {
    reason: 'In-band blocks under way at a time; memory of both sides and of the server between.',
  }),
  'limits.busyDelayMs': withDefault(whole(10, MINUTE_MS), 300, {
    unit: 'ms',
    reason:
      'How late the node is with everything, for about a second, when it begins to leave questions of channels out. Also where ' +
      'half of queuedQueries wait.',
  }),
  'limits.overloadDelayMs': withDefault(whole(10, MINUTE_MS), 1000, {
    unit: 'ms',
    reason: 'The same, when it refuses all questions until it has caught up.',
  }),
  'limits.extensionMs': withDefault(whole(10, MINUTE_MS), 2000, {
    unit: 'ms',
    reason: 'How long an extension may take over one thing; whoever asked waits meanwhile.',
  }),
};

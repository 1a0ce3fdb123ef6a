/** Limits that can't be reached because a wider one is lower: it works, but is hardly what was meant. */
import type { Limits } from './options.js';

const MINUTE_MEASURES = [
  'requests',
  'queries',
  'searchMs',
  'answerFiles',
  'answerBytes',
  'fileRequests',
  'blockLists',
];

/** From the narrowest to the widest; names that there are not are passed over. */
const ORDERS: readonly (readonly string[])[] = [
  ...MINUTE_MEASURES.flatMap((measure) => [
    [`${measure}PerAskerPerMinute`, `${measure}PerDomainPerMinute`, `${measure}PerMinute`],
    [`${measure}PerChannelPerMinute`, `${measure}PerMinute`],
  ]),
  ['concurrentQueriesPerAsker', 'concurrentQueriesPerDomain'],
  ['sessionsPerPeer', 'sessionsPerDomain', 'sessions'],
  ['uploadsPerPeer', 'uploads'],
  ['chatAnswersPerPeerPerMinute', 'chatAnswersPerDomainPerMinute', 'chatAnswersPerMinute'],
  ['keptQuestionsPerAsker', 'keptQuestionsPerDomain', 'keptQuestions'],
  ['folderSubscriptionsPerAsker', 'folderSubscriptionsPerDomain', 'folderSubscriptions'],
];

/** A line for each. */
export function limitWarnings(limits: Limits): string[] {
  const values: Readonly<Record<string, number>> = limits;
  return ORDERS.flatMap((order) => {
    const known = order.filter((name) => values[name] !== undefined);
    return known.slice(1).flatMap((wide, at) => {
      const narrow = known[at] ?? wide;
      const [most = 0, bound = 0] = [values[narrow], values[wide]];
      return most > bound
        ? [`limits.${narrow} is ${most}, but limits.${wide} ${bound}: that one counts`]
        : [];
    });
  });
}

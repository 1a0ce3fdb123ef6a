/**
 * What we say, in words: short, and never a command (`command.ts`), so that nobody who repeats it to us is answered
 * with more than that it was not understood.
 */
import type { LimitError } from '../errors.js';
import { formatBytes } from '../quantities.js';
import type { ListedItem, Saying, Subject } from './conversation-machine.js';

/** Of a name or path; longer ones lose their middle. */
const MAX_SHOWN_CHARS = 120;
/** Of a reason, which may repeat what was asked. */
const MAX_REASON_CHARS = 500;
/** What others chose is shown on one line, and can't hide or turn around what stands beside it. */
const UNPRINTABLE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const HELP = [
  'I share files. This is what I understand:',
  'find WORDS – look for files, as in: find juliet pdf',
  'more – the next page of a list',
  'get NUMBER – have a file of the list sent to you; several too, as in: get 2 5-7',
  'browse – what there is, folder by folder; browse NUMBER or browse FOLDER opens one',
  'stop – leave off looking and sending',
].join('\n');

export function textOf(saying: Saying): string {
  switch (saying.type) {
    case 'help':
      return HELP;
    case 'not-understood':
      return 'I don’t understand that. Say ‘help’ to see what I do.';
    case 'encrypted':
      return 'I can’t read encrypted messages. Please turn encryption off for this chat.';
    case 'busy':
      return 'One moment, I am still looking. (‘stop’ ends that.)';
    case 'stopped':
      return 'All right, stopped.';
    case 'page':
      return pageText(saying);
    case 'nothing':
      return nothingText(saying);
    case 'no-more':
      return 'That was all of it.';
    case 'no-list':
      return 'There is no list yet to choose from. Say ‘find’ and some words, or ‘browse’.';
    case 'no-such-number':
      return `There is no number ${saying.number}; the list goes from ${saying.first} to ${saying.last}.`;
    case 'too-many-at-once':
      return `At most ${saying.max} files at once, please.`;
    case 'is-folder':
      return `Number ${saying.number} is a folder. Say ‘browse ${saying.number}’ to open it.`;
    case 'is-file':
      return `Number ${saying.number} is a file. Say ‘get ${saying.number}’ to have it.`;
    case 'not-there':
      return 'There is no such folder.';
    case 'failed':
      return `That did not work: ${shown(saying.reason, MAX_REASON_CHARS)}`;
  }
}

/** Why not, where it is more than somebody may have now. */
export function limitReason({ retryAfterMs }: LimitError): string {
  const when = retryAfterMs === undefined ? 'later' : `in ${Math.max(1, Math.ceil(retryAfterMs / 1000))} s`;
  return `it is more than I may do for you now. Please try again ${when}.`;
}

/** `text` on one line, without what is not shown, cut in the middle where it is long. */
export function shown(text: string, maxChars = MAX_SHOWN_CHARS): string {
  const line = [...text.replace(UNPRINTABLE, '\uFFFD')];
  if (line.length <= maxChars) return line.join('');
  const half = Math.floor((maxChars - 1) / 2);
  return `${line.slice(0, half).join('')}…${line.slice(-half).join('')}`;
}

export function withSize(name: string, bytes: number | undefined): string {
  return bytes === undefined ? shown(name) : `${shown(name)} (${formatBytes(bytes)})`;
}

function pageText(page: Extract<Saying, { type: 'page' }>): string {
  const { items, first, hasMore, pending, subject } = page;
  const lines = items.map((item, at) => `${first + at}. ${itemText(item, subject)}`);
  const ways = [
    ...(items.some(({ type }) => type === 'file') ? ['‘get NUMBER’ sends a file'] : []),
    ...(items.some(({ type }) => type === 'folder') ? ['‘browse NUMBER’ opens a folder'] : []),
    ...(hasMore ? ['‘more’ goes on'] : []),
  ];
  return [heading(page), ...lines, ...pendingLines(pending), `${ways.join(', ')}.`].join('\n');
}

function heading({ items, first, total, subject }: Extract<Saying, { type: 'page' }>): string {
  const of = subjectText(subject);
  const last = first + items.length - 1;
  if (first === 1 && items.length >= total) return `${countText(total, subject)} ${of}:`;
  return `${first}–${last} of ${total} ${of}:`;
}

function countText(total: number, { type }: Subject): string {
  if (type === 'find') return total === 1 ? 'One file' : `${total} files`;
  return total === 1 ? 'One entry' : `${total} entries`;
}

function subjectText(subject: Subject): string {
  if (subject.type === 'find') return `for ‘${shown(subject.words)}’`;
  return subject.folder === '' ? 'at the top' : `in ${shown(subject.folder)}`;
}

function itemText(item: ListedItem, subject: Subject): string {
  const { path } = item;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (item.type === 'folder') return `${shown(name)}/`;
  return withSize(subject.type === 'browse' ? item.name : path, item.size);
}

function nothingText({ subject, pending }: Extract<Saying, { type: 'nothing' }>): string {
  const text = `Nothing ${subjectText(subject)}.`;
  return pending === 0 ? text : [text, ...pendingLines(pending)].join('\n');
}

function pendingLines(pending: number): string[] {
  if (pending === 0) return [];
  return [`(${pending} more can be had in a while: they are still being hashed.)`];
}

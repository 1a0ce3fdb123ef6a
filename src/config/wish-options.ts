/** The options of one wish of a node: what it looks for, where it asks, and how much it may take. */
import { bareJid, listOf, shareName, text, whole } from './kinds.js';
import { optional, required, type ValuesOf, withDefault } from './option.js';

const MAX_NAME_BYTES = 1023; // XEP-0060 §12.10 for NodeIDs
const MAX_WORDS_BYTES = 1024; // as the criteria of a question have it
const MAX_CHANNELS = 100;
const MAX_VALUES = 100;
const MAX_BYTES = Number.MAX_SAFE_INTEGER;

export const wishOptions = {
  name: required(text(255), { reason: 'What status and log call it.', example: 'plays' }),
  share: required(shareName, {
    reason: 'The share that the files go to, one of those above. What is in it is offered at once.',
    example: 'books',
  }),
  service: required(bareJid, {
    reason: 'The pubsub service that has the channels.',
    example: 'pubsub.example.org',
  }),
  channels: required(listOf(text(MAX_NAME_BYTES), MAX_CHANNELS), {
    reason: 'The channels that are asked.',
    example: '[books]',
  }),
  text: optional(text(MAX_WORDS_BYTES), {
    reason: 'Words that must be there, as for `shoal find`.',
    example: "'shakespeare -audio'",
  }),
  regex: optional(text(MAX_WORDS_BYTES), {
    reason: 'A POSIX extended regular expression that is found in the name.',
    example: "'^romeo'",
  }),
  ext: withDefault(listOf(text(255), MAX_VALUES), [], {
    reason: 'Extensions, one of which the name has. Without any, it may have any or none.',
    example: '[epub, pdf]',
  }),
  type: withDefault(listOf(text(255), MAX_VALUES), [], {
    reason: 'Media types, one of which it has.',
    example: "['audio/*']",
  }),
  hash: withDefault(listOf(text(255), MAX_VALUES), [], {
    reason: 'Hashes, one of which it has, as `shoal find --long` shows them.',
    example: "['sha-256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=']",
  }),
  minFileBytes: withDefault(whole(0, MAX_BYTES), 0, {
    unit: 'bytes',
    reason: 'Smaller files are left out.',
  }),
  maxFileBytes: withDefault(whole(1, MAX_BYTES), 1_000_000_000, {
    unit: 'bytes',
    reason: 'Larger files are left out.',
  }),
  maxShareBytes: withDefault(whole(1, MAX_BYTES), 10_000_000_000, {
    unit: 'bytes',
    reason:
      'What the share holds in all, however it got there, with what is on its way: beyond it nothing is fetched.',
  }),
  maxShareFiles: withDefault(whole(1, 10_000_000), 10_000, {
    reason: 'The same, as a number of files.',
  }),
  keepFreeBytes: withDefault(whole(0, MAX_BYTES), 1_000_000_000, {
    unit: 'bytes',
    reason: 'What is left free on its disk; with less nothing is fetched until there is more.',
  }),
};

export type WishConfig = ValuesOf<typeof wishOptions>;

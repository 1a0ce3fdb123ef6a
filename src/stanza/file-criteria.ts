/**
 * What an asker may ask of a file (docs/protocol.md, "Criteria"), as it comes off the wire:
 * numbers and dates are parsed, patterns and word queries still are text. `query/criteria.ts`
 * turns it into what the engine runs. Fields are ANDed, the values inside a field ORed.
 */
import type { DateInterval } from './xep0082-date-time.js';
import type { Hash } from './xep0300-hashes.js';

/** One demand on a string field: it contains `value`, or a POSIX ERE is found anywhere in it. */
export type StringTest =
  | { readonly type: 'contains'; readonly value: string }
  | { readonly type: 'regex'; readonly pattern: string };

export interface FileCriteria {
  /** Word queries: `romeo -audio jul* "a phrase" name:word`. */
  readonly text?: readonly string[];
  /** On the last part of the path. */
  readonly name?: readonly StringTest[];
  /** On `share/folder/name`. */
  readonly path?: readonly StringTest[];
  readonly desc?: readonly StringTest[];
  /** Extensions without the dot. */
  readonly ext?: readonly string[];
  /** `audio/flac` or `audio/*`. */
  readonly mediaType?: readonly string[];
  /** Bytes. */
  readonly size?: readonly number[];
  readonly sizeMin?: number;
  readonly sizeMax?: number;
  /** Last modification. */
  readonly date?: readonly DateInterval[];
  readonly dateFromMs?: number;
  readonly dateBeforeMs?: number;
  readonly hash?: readonly Hash[];
  /** For `contains` and `regex`. Default false. */
  readonly caseSensitive?: boolean;
}

/** The order of answers (XEP-0413). Without one: by relevance where there is a `text`, else by path. */
export const OrderField = ['relevance', 'path', 'name', 'size', 'date'] as const;
export type OrderField = (typeof OrderField)[number];
export interface Order {
  readonly field: OrderField;
  readonly descending: boolean;
}

/**
 * Two criteria made one that asks what both ask. Fields are ANDed, and so a field that only one has is taken as it is;
 * in a field that both have, bounds become the closer ones and lists what is in both. Two tests on the same text
 * (`text`, `name`, `path`, `desc`) can't be made one.
 */
import { caseless } from '../index/folding.js';
import { MAX_VALUES } from '../query/criteria.js';
import type { FileCriteria, StringTest } from '../stanza/file-criteria.js';
import type { DateInterval } from '../stanza/xep0082-date-time.js';

/** The criteria joined; undefined when no file can fit, or when that can't be said in one. */
export function narrowed(asked: FileCriteria, by: FileCriteria): FileCriteria | undefined {
  const lists = {
    text: sameOf(asked.text, by.text),
    name: sameOf(asked.name, by.name),
    path: sameOf(asked.path, by.path),
    desc: sameOf(asked.desc, by.desc),
    ext: both(asked.ext?.map(bareExtension), by.ext?.map(bareExtension)),
    mediaType: joined(asked.mediaType, by.mediaType, commonType),
    size: both(asked.size, by.size),
    date: joined(asked.date, by.date, commonInterval),
    hash: both(asked.hash, by.hash, ({ algo, value }) => `${algo} ${value}`),
  };
  const isSaid = (length: number) => length > 0 && length <= MAX_VALUES;
  if (Object.values(lists).some((list) => list && !isSaid(list.length))) return undefined;
  const bounds = {
    sizeMin: larger(asked.sizeMin, by.sizeMin),
    sizeMax: smaller(asked.sizeMax, by.sizeMax),
    dateFromMs: larger(asked.dateFromMs, by.dateFromMs),
    dateBeforeMs: smaller(asked.dateBeforeMs, by.dateBeforeMs),
  };
  if ((bounds.sizeMin ?? 0) > (bounds.sizeMax ?? Number.POSITIVE_INFINITY)) return undefined;
  const fromMs = bounds.dateFromMs ?? Number.NEGATIVE_INFINITY;
  if (fromMs >= (bounds.dateBeforeMs ?? Number.POSITIVE_INFINITY)) return undefined;
  // What fits with its case fits without.
  const caseSensitive = (asked.caseSensitive ?? false) || (by.caseSensitive ?? false);
  const said = Object.entries({ ...lists, ...bounds }).filter(([, value]) => value !== undefined);
  return { ...(Object.fromEntries(said) as FileCriteria), caseSensitive };
}

/** Tests of texts: those of the one that has any; none at all where the two ask different things. */
function sameOf<T extends string | StringTest>(
  one: readonly T[] | undefined,
  other: readonly T[] | undefined,
): readonly T[] | undefined {
  if (one === undefined || one.length === 0) return present(other);
  if (other === undefined || other.length === 0) return one;
  const keys = (tests: readonly T[]) =>
    tests.map((test) => JSON.stringify(Object.entries(test).sort())).sort();
  return keys(one).join() === keys(other).join() ? one : [];
}

function both<T>(
  one: readonly T[] | undefined,
  other: readonly T[] | undefined,
  keyOf: (value: T) => unknown = (value) => value,
): readonly T[] | undefined {
  return joined(one, other, (a, b) => (keyOf(a) === keyOf(b) ? a : undefined));
}

function joined<T>(
  one: readonly T[] | undefined,
  other: readonly T[] | undefined,
  common: (a: T, b: T) => T | undefined,
): readonly T[] | undefined {
  if (one === undefined || one.length === 0) return present(other);
  if (other === undefined || other.length === 0) return one;
  // At most `MAX_VALUES` on each side: `parseCriteria` has seen both.
  const found = one.flatMap((a) => other.flatMap((b) => common(a, b) ?? []));
  return [...new Map(found.map((each) => [JSON.stringify(each), each])).values()];
}

/** An empty list asks nothing. */
function present<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list?.length === 0 ? undefined : list;
}

function bareExtension(ext: string): string {
  return caseless(ext.replace(/^\./, ''));
}

function commonType(one: string, other: string): string | undefined {
  const [a, b] = [one.trim().toLowerCase(), other.trim().toLowerCase()];
  const isOf = (type: string, range: string) => range.endsWith('/*') && type.startsWith(range.slice(0, -1));
  if (a === b || isOf(a, b)) return a;
  return isOf(b, a) ? b : undefined;
}

function commonInterval(one: DateInterval, other: DateInterval): DateInterval | undefined {
  const fromMs = Math.max(one.fromMs, other.fromMs);
  const beforeMs = Math.min(one.beforeMs, other.beforeMs);
  return fromMs < beforeMs ? { fromMs, beforeMs } : undefined;
}

function larger(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
}

function smaller(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

/**
 * Decides in which order the criteria are looked at: first what names candidates without a look at every
 * file, then what costs least for each candidate that is left.
 */
import type { Criteria } from './criteria.js';
import { hasRequired } from './word-query.js';

export type ColumnField = 'type' | 'size' | 'date';
export type TextField = 'ext' | 'name' | 'path' | 'desc';
export type Field = 'hash' | 'words' | ColumnField | TextField;

/**
 * What names the candidates, in the order of its cost: the table of hashes, the index of words, a column of
 * numbers, or a look at every text.
 */
export type Driver = 'hash' | 'words' | 'column' | 'scan';

/** The fields that are asked for, in the order in which they are looked at. */
export function planFields(criteria: Criteria): readonly Field[] {
  const { sha256, text, mediaType, size, sizeMin, sizeMax, date, dateFromMs, dateBeforeMs } = criteria;
  const hasWords = text.length > 0;
  const wordsFirst = hasWords && text.every(hasRequired);
  const asked: readonly (readonly [Field, boolean])[] = [
    ['hash', sha256 !== undefined],
    ['words', wordsFirst],
    ['type', mediaType.length > 0],
    ['size', size.length > 0 || sizeMin !== undefined || sizeMax !== undefined],
    ['date', date.length > 0 || dateFromMs !== undefined || dateBeforeMs !== undefined],
    ['ext', criteria.ext.length > 0],
    ...textFields(criteria),
    // They say only what to leave out, and all that they leave is many.
    ['words', hasWords && !wordsFirst],
  ];
  return asked.flatMap(([field, isAsked]) => (isAsked ? field : []));
}

/** Patterns after texts that are only looked for, paths after names: they are longer. */
function textFields(criteria: Criteria): readonly (readonly [Field, boolean])[] {
  const fields = (['desc', 'name', 'path'] as const).map(
    (field) => [field, criteria[field].length > 0] as const,
  );
  const hasPattern = ([field]: readonly [TextField, boolean]) =>
    criteria[field as 'name'].some(({ type }) => type === 'regex') ? 1 : 0;
  return fields.toSorted((one, other) => hasPattern(one) - hasPattern(other));
}

export function chooseDriver(criteria: Criteria): Driver {
  const [first] = planFields(criteria);
  switch (first) {
    case 'hash':
    case 'words':
      return first;
    case 'type':
    case 'size':
    case 'date':
      return 'column';
    default:
      return 'scan';
  }
}

/** The search workers: the one that has the words of files, and the one that goes through all of them. */
export type SearchWorker = 'words' | 'scan';

/** What may take long goes to a worker of its own, so that nothing else waits for it. */
export function workerFor(criteria: Criteria): SearchWorker {
  return criteria.text.length > 0 || chooseDriver(criteria) === 'hash' ? 'words' : 'scan';
}

/** A test of one file that is fetched for it takes as long as the tests of so many in a row. */
const ONE_BY_ONE = 24;

/** Whether texts are rather tested file by file than in the pieces in which they lie. */
export function areFew(candidates: number, files: number): boolean {
  return candidates * ONE_BY_ONE < files;
}

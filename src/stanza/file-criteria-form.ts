/**
 * File criteria as a data form of FORM_TYPE `urn:xmpp:tmp:file-discovery:0`
 * (docs/protocol.md, "Criteria").
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import type { FileCriteria, StringTest } from './file-criteria.js';
import { NS } from './namespaces.js';
import { type DataForm, dataFormCodec, type FormField } from './xep0004-data-forms.js';
import {
  formatDateInterval,
  formatExactDateTime,
  formatLastBefore,
  parseDateInterval,
} from './xep0082-date-time.js';
import { formatHash, parseHashText } from './xep0300-hashes.js';
import { parseBoolean, parseCount } from './xml.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** How each field is read; a name that isn't here is an unknown field. */
const READERS: Readonly<Record<string, (field: FormField) => FileCriteria>> = {
  text: (field) => ({ text: plain(field) }),
  name: (field) => ({ name: tests(field) }),
  path: (field) => ({ path: tests(field) }),
  desc: (field) => ({ desc: tests(field) }),
  ext: (field) => ({ ext: plain(field) }),
  'media-type': (field) => ({ mediaType: plain(field) }),
  size: (field) => ({ size: plain(field).map((value) => parseCount(value, field.var)) }),
  'size-min': (field) => ({ sizeMin: parseCount(single(field), field.var) }),
  'size-max': (field) => ({ sizeMax: parseCount(single(field), field.var) }),
  date: (field) => ({ date: plain(field).map((value) => parseDateInterval(value, field.var)) }),
  'date-min': (field) => ({ dateFromMs: parseDateInterval(single(field), field.var).fromMs }),
  'date-max': (field) => ({ dateBeforeMs: parseDateInterval(single(field), field.var).beforeMs }),
  hash: (field) => ({ hash: plain(field).map((value) => parseHashText(value, field.var)) }),
  'case-sensitive': (field) => ({ caseSensitive: parseBoolean(single(field), field.var) }),
};

export const fileCriteriaCodec: Codec<FileCriteria> = {
  fromXml: (element) => criteriaFromForm(dataFormCodec.fromXml(element)),
  toXml: (criteria) => dataFormCodec.toXml(criteriaToForm(criteria)),
};

/** Throws {@link ParseError} naming the field. Empty fields, as clients submit them, ask for nothing. */
export function criteriaFromForm(form: DataForm): FileCriteria {
  if (form.type !== 'submit') throw new ParseError("a query's form has the type 'submit'", { field: 'type' });
  if (form.formType !== undefined && form.formType !== NS.find) {
    throw new ParseError(`a query's FORM_TYPE is ${NS.find}`, { field: 'FORM_TYPE' });
  }
  const criteria: Mutable<FileCriteria> = {};
  for (const field of form.fields) {
    if (!Object.hasOwn(READERS, field.var)) {
      throw new ParseError(`there is no field '${field.var}'; there are ${Object.keys(READERS).join(', ')}`, {
        field: field.var,
      });
    }
    const asked = { ...field, values: field.values.filter((value) => value !== '') };
    if (asked.values.length === 0 && asked.regex === undefined) continue;
    Object.assign(criteria, READERS[field.var]?.(asked));
  }
  return criteria;
}

function plain(field: FormField): readonly string[] {
  if (field.regex !== undefined) {
    throw new ParseError(`'${field.var}' takes no regular expression`, { field: field.var });
  }
  return field.values;
}

function single(field: FormField): string {
  const [value, second] = plain(field);
  if (value === undefined || second !== undefined) {
    throw new ParseError(`'${field.var}' takes one value`, { field: field.var });
  }
  return value;
}

function tests(field: FormField): StringTest[] {
  const contains = field.values.map((value) => ({ type: 'contains', value }) as const);
  return field.regex === undefined ? contains : [...contains, { type: 'regex', pattern: field.regex }];
}

/** Throws TypeError for what a form can't say: several patterns for one field. */
export function criteriaToForm(criteria: FileCriteria): DataForm {
  const fields = [
    values('text', criteria.text),
    stringTests('name', criteria.name),
    stringTests('path', criteria.path),
    stringTests('desc', criteria.desc),
    values('ext', criteria.ext),
    values('media-type', criteria.mediaType),
    values('size', criteria.size),
    values('size-min', one(criteria.sizeMin)),
    values('size-max', one(criteria.sizeMax)),
    values('date', criteria.date?.map(formatDateInterval)),
    values('date-min', one(criteria.dateFromMs)?.map(formatExactDateTime)),
    values('date-max', one(criteria.dateBeforeMs)?.map(formatLastBefore)),
    values('hash', criteria.hash?.map(formatHash)),
    values('case-sensitive', one(criteria.caseSensitive)),
  ];
  return { type: 'submit', formType: NS.find, fields: fields.filter((field) => field !== undefined) };
}

function one<T>(value: T | undefined): T[] | undefined {
  return value === undefined ? undefined : [value];
}

function values(
  name: string,
  list: readonly (string | number | boolean)[] | undefined,
): FormField | undefined {
  return list === undefined ? undefined : { var: name, values: list.map(String) };
}

function stringTests(name: string, list: readonly StringTest[] | undefined): FormField | undefined {
  if (list === undefined) return undefined;
  const patterns = list.filter((test) => test.type === 'regex');
  if (patterns.length > 1) throw new TypeError(`a form holds one regular expression for '${name}'`);
  const pattern = patterns[0]?.pattern;
  return {
    var: name,
    values: list.filter((test) => test.type === 'contains').map((test) => test.value),
    ...(pattern !== undefined && { datatype: 'xs:string', regex: pattern }),
  };
}

/**
 * The form by which people look for files in a window of their client (XEP-0055), or in a command, and what it
 * asks for when it is filled in. Whoever knows the names of `<find/>`'s criteria finds them again here.
 */
import { ParseError } from '../errors.js';
import { bytesOf } from '../quantities.js';
import type { FileCriteria, Order, OrderField } from '../stanza/file-criteria.js';
import type { DataForm, FormField } from '../stanza/xep0004-data-forms.js';
import { type DateInterval, parseDateInterval } from '../stanza/xep0082-date-time.js';
import { parseBoolean } from '../stanza/xml.js';

/** What people mean by a kind of file, in media types. */
const KINDS = [
  { value: 'any', label: 'Anything', mediaTypes: [] },
  { value: 'audio', label: 'Sound and music', mediaTypes: ['audio/*'] },
  { value: 'video', label: 'Video', mediaTypes: ['video/*'] },
  { value: 'image', label: 'Pictures', mediaTypes: ['image/*'] },
  {
    value: 'document',
    label: 'Books and documents',
    mediaTypes: [
      'text/*',
      'application/pdf',
      'application/epub+zip',
      'application/x-mobipocket-ebook',
      'application/postscript',
      'application/rtf',
      'application/msword',
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      'application/vnd.oasis.opendocument.text',
      'application/vnd.ms-excel',
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
      'application/vnd.oasis.opendocument.spreadsheet',
      'application/vnd.ms-powerpoint',
      'application/vnd.openxmlformats-officedocument.presentationml.presentation',
      'application/vnd.oasis.opendocument.presentation',
    ],
  },
  {
    value: 'archive',
    label: 'Archives and disk images',
    mediaTypes: [
      'application/zip',
      'application/gzip',
      'application/x-bzip2',
      'application/x-xz',
      'application/x-7z-compressed',
      'application/x-rar-compressed',
      'application/vnd.rar',
      'application/x-tar',
      'application/x-iso9660-image',
      'application/x-debian-package',
      'application/java-archive',
    ],
  },
] as const;

const ORDERS: readonly { value: string; label: string; order?: Order }[] = [
  { value: 'best', label: 'Best match first' },
  { value: 'name', label: 'By name', order: by('name') },
  { value: 'newest', label: 'Newest first', order: by('date', true) },
  { value: 'largest', label: 'Largest first', order: by('size', true) },
  { value: 'smallest', label: 'Smallest first', order: by('size') },
];

function by(field: OrderField, descending = false): Order {
  return { field, descending };
}

const LABELS = {
  text: 'Words',
  kind: 'Kind',
  name: 'Name',
  path: 'Folder',
  ext: 'Extension',
  'size-min': 'At least',
  'size-max': 'At most',
  'date-min': 'Changed since',
  'date-max': 'Changed until',
  'case-sensitive': 'Capitals matter',
  order: 'Order',
} as const;
type Field = keyof typeof LABELS;

export interface Search {
  readonly criteria: FileCriteria;
  readonly order?: Order;
}

export const SEARCH_INSTRUCTIONS =
  'Fill in what you know and leave the rest empty: a file is found if all of it fits.';

/** To be filled in. */
export function searchForm(formType: string | undefined): DataForm {
  const fields: FormField[] = [
    text('text', 'Words of name, folder or description. jul* fits the beginning, -tragedy leaves out.'),
    choice('kind', KINDS, 'any'),
    text('name', 'Any part of the name.'),
    text('path', 'Any part of the way to the file.'),
    text('ext', 'Such as pdf. More than one with commas between.'),
    text('size-min', 'Such as 500 kB or 1.5 GB.'),
    text('size-max', 'Such as 500 kB or 1.5 GB.'),
    text('date-min', 'A day, such as 2026-01-31.'),
    text('date-max', 'A day, such as 2026-01-31.'),
    {
      var: 'case-sensitive',
      type: 'boolean',
      label: LABELS['case-sensitive'],
      desc: 'In Name and Folder.',
      values: ['false'],
    },
    choice('order', ORDERS, 'best'),
  ];
  return {
    type: 'form',
    ...(formType !== undefined && { formType }),
    title: 'Find files',
    instructions: SEARCH_INSTRUCTIONS,
    fields,
  };
}

function text(name: Field, desc: string): FormField {
  return { var: name, type: 'text-single', label: LABELS[name], desc, values: [] };
}

function choice(
  name: Field,
  options: readonly { readonly value: string; readonly label: string }[],
  chosen: string,
): FormField {
  return {
    var: name,
    type: 'list-single',
    label: LABELS[name],
    values: [chosen],
    options: options.map(({ value, label }) => ({ label, value })),
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Throws {@link ParseError} naming the field, in words for people. What is not in our form is not looked at. */
export function searchOf(form: DataForm): Search {
  if (form.type !== 'submit')
    throw new ParseError("a search's form has the type 'submit'", { field: 'type' });
  const criteria: Mutable<FileCriteria> = {};
  const [words, name, path] = [filledIn(form, 'text'), filledIn(form, 'name'), filledIn(form, 'path')];
  if (words !== undefined) criteria.text = [words];
  if (name !== undefined) criteria.name = [{ type: 'contains', value: name }];
  if (path !== undefined) criteria.path = [{ type: 'contains', value: path }];
  const extensions = (filledIn(form, 'ext') ?? '').split(/[\s,;]+/).filter((each) => each !== '');
  if (extensions.length > 0) criteria.ext = extensions;
  const { mediaTypes } = chosen(form, 'kind', KINDS);
  if (mediaTypes.length > 0) criteria.mediaType = mediaTypes;
  const sizeMin = sizeOf(form, 'size-min');
  if (sizeMin !== undefined) criteria.sizeMin = sizeMin;
  const sizeMax = sizeOf(form, 'size-max');
  if (sizeMax !== undefined) criteria.sizeMax = sizeMax;
  const from = dayOf(form, 'date-min');
  if (from !== undefined) criteria.dateFromMs = from.fromMs;
  const until = dayOf(form, 'date-max');
  if (until !== undefined) criteria.dateBeforeMs = until.beforeMs;
  if (parseBoolean(filledIn(form, 'case-sensitive') ?? 'false', 'case-sensitive'))
    criteria.caseSensitive = true;
  const { order } = chosen(form, 'order', ORDERS);
  return { criteria, ...(order && { order }) };
}

function filledIn(form: DataForm, name: Field): string | undefined {
  const field = form.fields.find((each) => each.var === name);
  const values = field?.values.map((value) => value.trim()).filter((value) => value !== '') ?? [];
  if (field?.regex !== undefined) throw wrong(name, 'no regular expression here');
  if (values.length > 1) throw wrong(name, 'write one value');
  return values[0];
}

function chosen<T extends { readonly value: string }>(form: DataForm, name: Field, options: readonly T[]): T {
  const value = filledIn(form, name) ?? options[0]?.value;
  const option = options.find((each) => each.value === value);
  if (option === undefined)
    throw wrong(name, `choose one of ${options.map((each) => each.value).join(', ')}`);
  return option;
}

function sizeOf(form: DataForm, name: Field): number | undefined {
  const value = filledIn(form, name);
  const bytes = value === undefined ? undefined : bytesOf(value);
  if (value !== undefined && bytes === undefined) throw wrong(name, 'write a size such as 500 kB or 1.5 GB');
  return bytes;
}

function dayOf(form: DataForm, name: Field): DateInterval | undefined {
  const value = filledIn(form, name);
  try {
    return value === undefined ? undefined : parseDateInterval(value, name);
  } catch (error) {
    throw error instanceof ParseError ? wrong(name, 'write a day such as 2026-01-31') : error;
  }
}

/** With the words that stand beside the field: people don't see its name. */
function wrong(field: Field, text: string): ParseError {
  return new ParseError(`${LABELS[field]}: ${text}`, { field });
}

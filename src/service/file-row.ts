/**
 * A file as a row of a table, for windows (XEP-0004 §3.4). All doors tell of a file what {@link FileDescription}
 * holds: as `<file/>` where programs read it, in these columns where people do.
 */
import { formatBytes } from '../quantities.js';
import type { FormField, FormTable } from '../stanza/xep0004-data-forms.js';
import { formatDateTime } from '../stanza/xep0082-date-time.js';
import type { FileDescription } from '../stanza/xep0234-file-transfer.js';
import { formatHash } from '../stanza/xep0300-hashes.js';

interface Column {
  readonly var: string;
  readonly label: string;
  /** XEP-0122, of what a program may count or compare. */
  readonly datatype?: string;
  readonly of: (file: FileDescription) => string | number | undefined;
}

const COLUMNS: readonly Column[] = [
  { var: 'name', label: 'Name', of: ({ name }) => name },
  { var: 'size', label: 'Size', of: ({ size }) => (size === undefined ? undefined : formatBytes(size)) },
  { var: 'modified', label: 'Modified', of: ({ dateMs }) => dateOf(dateMs, readableDate) },
  { var: 'path', label: 'Path', of: ({ path }) => path },
  { var: 'media-type', label: 'Type', of: ({ mediaType }) => mediaType },
  { var: 'desc', label: 'Description', of: ({ desc }) => desc },
  { var: 'bytes', label: 'Bytes', datatype: 'xs:integer', of: ({ size }) => size },
  {
    var: 'date',
    label: 'Date',
    datatype: 'xs:dateTime',
    of: ({ dateMs }) => dateOf(dateMs, formatDateTime),
  },
  { var: 'hash', label: 'Hash', of: ({ hashes: [hash] }) => hash && formatHash(hash) },
];

/** The table of these files, in their order. */
export function fileTable(files: readonly FileDescription[]): FormTable {
  return {
    columns: COLUMNS.map(({ var: name, label, datatype }) => ({
      var: name,
      type: 'text-single',
      label,
      values: [],
      ...(datatype !== undefined && { datatype }),
    })),
    rows: files.map(rowOf),
  };
}

function rowOf(file: FileDescription): FormField[] {
  return COLUMNS.flatMap((column) => {
    const value = column.of(file);
    return value === undefined ? [] : [{ var: column.var, values: [String(value)] }];
  });
}

function dateOf(ms: number | undefined, format: (ms: number) => string): string | undefined {
  return ms === undefined ? undefined : format(ms);
}

/** `2026-11-23 12:30`, in UTC, as dates are sorted too where a window compares texts. */
function readableDate(ms: number): string {
  return formatDateTime(ms).slice(0, 16).replace('T', ' ');
}

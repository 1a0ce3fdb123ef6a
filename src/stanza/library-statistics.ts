/** How much a node has for whoever asks: a form in its disco#info (XEP-0128; docs/protocol.md, "Doors"). */
import { ParseError } from '../errors.js';
import { NS } from './namespaces.js';
import type { DataForm } from './xep0004-data-forms.js';
import { parseCount } from './xml.js';

export interface LibraryStatistics {
  readonly files: number;
  readonly bytes: number;
  /** That are listened to. */
  readonly channels: number;
}

export function libraryStatistics(statistics: LibraryStatistics): DataForm {
  return {
    type: 'result',
    formType: NS.findStatistics,
    fields: FIELDS.map((name) => ({ var: name, values: [String(statistics[name])] })),
  };
}

const FIELDS = ['files', 'bytes', 'channels'] as const;

/** Of the forms of a disco#info, ours; undefined where there is none. Throws {@link ParseError}. */
export function libraryStatisticsOf(forms: readonly DataForm[]): LibraryStatistics | undefined {
  const form = forms.find(({ formType }) => formType === NS.findStatistics);
  if (form === undefined) return undefined;
  const count = (name: (typeof FIELDS)[number]) => {
    const value = form.fields.find((field) => field.var === name)?.values[0];
    if (value === undefined) throw new ParseError(`'${name}' is missing`, { field: name });
    return parseCount(value, name);
  };
  return { files: count('files'), bytes: count('bytes'), channels: count('channels') };
}

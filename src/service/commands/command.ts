/** What a command is (XEP-0050): pages that lead to one another, each a form to fill in, and what comes of the last. */

import type { Jid } from '../../stanza/jid.js';
import type { DataForm, FormField } from '../../stanza/xep0004-data-forms.js';
import type { CommandNote } from '../../stanza/xep0050-commands.js';

export interface Command {
  readonly nodeId: string;
  /** As it stands in a menu. */
  readonly name: string;
  /** Whoever it is not for is told that it is not there. */
  isFor(asker: Jid): boolean;
  /** `asker` is the full address that began it. Throws what {@link Stage.submit} throws. */
  begin(asker: Jid, signal: AbortSignal): Promise<Stage> | Stage;
}

/** One page. */
export interface Stage {
  readonly form?: DataForm;
  readonly notes: readonly CommandNote[];
  /** What comes of the form as it was filled in; without it the command is over. */
  readonly submit?: Submit;
  /** What the button says that goes on. Default `next`. */
  readonly button?: 'next' | 'complete';
}

/**
 * The next page or, where what was filled in leads nowhere, a note with which this one is shown again. So are the
 * texts of the ParseError, StanzaError and LimitError that it throws.
 */
export type Submit = (
  form: DataForm,
  signal: AbortSignal,
) => Promise<Stage | CommandNote> | Stage | CommandNote;

/** The values of a field, without those that are empty. */
export function valuesOf(form: DataForm, name: string): readonly string[] {
  return form.fields.find((each) => each.var === name)?.values.filter((value) => value !== '') ?? [];
}

/**
 * A field in which some of a list are ticked.
 * COMPAT: Gajim answers with labels in place of values, so these have to tell the entries apart as well.
 */
export function tickField<T>(
  init: { readonly name: string; readonly label: string; readonly desc?: string },
  list: readonly T[],
  labelOf: (entry: T) => string,
): FormField {
  const { name, label, desc } = init;
  const options = list.map((entry, at) => ({ label: labelOf(entry), value: String(at + 1) }));
  return { var: name, type: 'list-multi', label, ...(desc !== undefined && { desc }), values: [], options };
}

/** What of the list was ticked in such a field, in its order. */
export function tickedOf<T>(
  form: DataForm,
  name: string,
  list: readonly T[],
  labelOf: (entry: T) => string,
): T[] {
  const values = new Set(valuesOf(form, name));
  return list.filter((entry, at) => values.has(String(at + 1)) || values.has(labelOf(entry)));
}

/** What was chosen in a list of one; undefined where that is none of its options. COMPAT: as {@link tickField}. */
export function chosenOf<const T extends string>(
  form: DataForm,
  name: string,
  options: readonly { readonly label: string; readonly value: T }[],
): T | undefined {
  const [chosen] = valuesOf(form, name);
  return (options.find(({ value }) => value === chosen) ?? options.find(({ label }) => label === chosen))
    ?.value;
}

export function info(text: string): CommandNote {
  return { type: 'info', text };
}

export function problem(text: string): CommandNote {
  return { type: 'error', text };
}

/** The end of a command: nothing but notes, or a result to look at. */
export function lastStage(notes: readonly CommandNote[], form?: DataForm): Stage {
  return { notes, ...(form && { form }) };
}

/** The end of a command: a table. `columns`: their labels, by the names that the rows have too. */
export function tableStage<K extends string>(
  title: string,
  columns: Readonly<Record<K, string>>,
  rows: readonly Readonly<Record<K, string>>[],
): Stage {
  const names = Object.keys(columns) as K[];
  return lastStage([], {
    type: 'result',
    title,
    fields: [],
    table: {
      columns: names.map((name) => ({ var: name, type: 'text-single', label: columns[name], values: [] })),
      rows: rows.map((row) => names.map((name) => ({ var: name, values: [row[name]] }))),
    },
  });
}

/** What is kept of what was filled into a field, in all its values: forms may come to 200 kB, and pages are kept. */
const MAX_KEPT_BYTES = 1024;

/** The same page with what was filled in: for whoever comes back to it. What is too long is filled in anew. */
export function refilled(stage: Stage, submitted: DataForm): Stage {
  const { form } = stage;
  if (form === undefined) return stage;
  const fields = form.fields.map((field) => {
    const values = submitted.fields.find((each) => each.var === field.var)?.values;
    return values === undefined ? field : { ...field, values: keptOf(field, values) };
  });
  return { ...stage, form: { ...form, fields } };
}

function keptOf(
  { type, options = [], values: before }: FormField,
  values: readonly string[],
): readonly string[] {
  if (type === 'list-single' || type === 'list-multi') {
    const chosen = new Set(values);
    const kept = options.filter(({ label, value }) => chosen.has(value) || chosen.has(label ?? value));
    return kept.slice(0, type === 'list-single' ? 1 : undefined).map(({ value }) => value);
  }
  const bytes = values.reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  return bytes <= MAX_KEPT_BYTES ? values : before;
}

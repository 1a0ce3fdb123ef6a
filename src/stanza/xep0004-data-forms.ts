/**
 * XEP-0004: Data Forms
 * https://xmpp.org/extensions/xep-0004.html, version 2.13.2 (2024-08-30)
 *
 * with XEP-0068 (FORM_TYPE) and the part of XEP-0122 (version 1.0.2, 2018-03-21) that we use:
 * a field's data type and its `<regex/>`.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { attribute, child, children, childText, type Element, is, xml } from './xml.js';

export const FormType = ['form', 'submit', 'cancel', 'result'] as const;
export type FormType = (typeof FormType)[number];

export interface FormField {
  readonly var: string;
  /** The field's type (§3.3), such as `text-single`; unknown ones are kept as they are. */
  readonly type?: string;
  readonly label?: string;
  /** Help, as where the pointer rests on the field (§3.2). */
  readonly desc?: string;
  readonly values: readonly string[];
  readonly options?: readonly { readonly label?: string; readonly value: string }[];
  readonly required?: true;
  /** XEP-0122 `<validate/>`. */
  readonly datatype?: string;
  /** XEP-0122 §3.2.4: a POSIX extended regular expression. */
  readonly regex?: string;
}

export interface DataForm {
  readonly type: FormType;
  /** Value of the hidden field FORM_TYPE (XEP-0068). It is not among `fields`. */
  readonly formType?: string;
  readonly title?: string;
  readonly instructions?: string;
  readonly fields: readonly FormField[];
  /** A table (§3.4): its columns, and each row as the values of some of them. */
  readonly table?: FormTable;
}

export interface FormTable {
  readonly columns: readonly FormField[];
  readonly rows: readonly (readonly FormField[])[];
}

const MAX_FIELDS = 64; // more than any form of ours has; bounds what a peer can make us keep
const MAX_VALUES = 256;
const MAX_ROWS = 1000; // more than a stanza has room for

export const dataFormCodec: Codec<DataForm> = {
  fromXml(element) {
    if (!is(element, 'x', NS.dataForms)) throw new ParseError('not a data form', { field: 'x' });
    const type = FormType.find((each) => each === attribute(element, 'type'));
    if (type === undefined)
      throw new ParseError(`a form's type is one of ${FormType.join(', ')}`, { field: 'type' });
    const title = childText(element, 'title', NS.dataForms);
    const instructions = childText(element, 'instructions', NS.dataForms);
    const all = fieldsOf(element);
    const table = tableOf(element);
    const formType = all.find((field) => field.var === 'FORM_TYPE')?.values[0];
    return {
      type,
      ...(formType !== undefined && { formType }),
      ...(title !== undefined && { title }),
      ...(instructions !== undefined && { instructions }),
      fields: all.filter((field) => field.var !== 'FORM_TYPE'),
      ...(table && { table }),
    };
  },
  toXml: ({ type, formType, title, instructions, fields, table }) =>
    xml(
      'x',
      { xmlns: NS.dataForms, type },
      title !== undefined && xml('title', {}, title),
      instructions !== undefined && xml('instructions', {}, instructions),
      formType !== undefined &&
        xml('field', { var: 'FORM_TYPE', type: 'hidden' }, xml('value', {}, formType)),
      fields.map(fieldToXml),
      table && xml('reported', {}, table.columns.map(fieldToXml)),
      table?.rows.map((row) => xml('item', {}, row.map(fieldToXml))),
    ),
};

function fieldsOf(element: Element): FormField[] {
  const fields = children(element, 'field', NS.dataForms)
    .filter((field) => attribute(field, 'type') !== 'fixed')
    .map(fieldFromXml);
  if (fields.length > MAX_FIELDS)
    throw new ParseError(`a form has at most ${MAX_FIELDS} fields`, { field: 'x' });
  const seen = new Set<string>();
  for (const field of fields) {
    if (seen.has(field.var))
      throw new ParseError(`'${field.var}' stands in the form twice`, { field: field.var });
    seen.add(field.var);
  }
  return fields;
}

function tableOf(element: Element): FormTable | undefined {
  const reported = child(element, 'reported', NS.dataForms);
  if (reported === undefined) return undefined;
  const rows = children(element, 'item', NS.dataForms);
  if (rows.length > MAX_ROWS) throw new ParseError(`a table has at most ${MAX_ROWS} rows`, { field: 'item' });
  return { columns: fieldsOf(reported), rows: rows.map(fieldsOf) };
}

function fieldFromXml(element: Element): FormField {
  const name = attribute(element, 'var');
  if (name === undefined || name === '')
    throw new ParseError("a field needs the attribute 'var'", { field: 'var' });
  const values = children(element, 'value', NS.dataForms).map((value) => value.getText());
  if (values.length > MAX_VALUES) {
    throw new ParseError(`'${name}' has more than ${MAX_VALUES} values`, { field: name });
  }
  const type = attribute(element, 'type');
  const label = attribute(element, 'label');
  const desc = childText(element, 'desc', NS.dataForms);
  const validate = child(element, 'validate', NS.validate);
  const datatype = validate && attribute(validate, 'datatype');
  const regex = validate && child(validate, 'regex', NS.validate)?.getText();
  const options = children(element, 'option', NS.dataForms).map(optionFromXml);
  return {
    var: name,
    ...(type !== undefined && { type }),
    ...(label !== undefined && { label }),
    ...(desc !== undefined && { desc }),
    values,
    ...(options.length > 0 && { options }),
    ...(child(element, 'required', NS.dataForms) && { required: true as const }),
    ...(datatype !== undefined && { datatype }),
    ...(regex !== undefined && { regex }),
  };
}

function optionFromXml(element: Element): { label?: string; value: string } {
  const label = attribute(element, 'label');
  return { ...(label !== undefined && { label }), value: childText(element, 'value', NS.dataForms) ?? '' };
}

function fieldToXml(field: FormField): Element {
  const { datatype, regex } = field;
  return xml(
    'field',
    { var: field.var, type: field.type, label: field.label },
    field.desc !== undefined && xml('desc', {}, field.desc),
    field.required && xml('required'),
    field.values.map((value) => xml('value', {}, value)),
    field.options?.map((option) => xml('option', { label: option.label }, xml('value', {}, option.value))),
    (datatype !== undefined || regex !== undefined) &&
      xml(
        'validate',
        { xmlns: NS.validate, datatype: datatype ?? 'xs:string' },
        regex !== undefined && xml('regex', {}, regex),
      ),
  );
}

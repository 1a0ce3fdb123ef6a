/**
 * XEP-0055: Jabber Search
 * https://xmpp.org/extensions/xep-0055.html, version 1.3 (2009-09-15)
 *
 * With a data form (§3); the fixed fields of §2 are of people, not of files. Pages as in XEP-0059.
 *
 * Departs from XEP-0068 §3.4: our fields of the form and of its table, such as `size-min`, stand in a FORM_TYPE that is
 * not ours and are not in Clark notation. They are those of `<find/>`.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { type DataForm, dataFormCodec } from './xep0004-data-forms.js';
import { type PageRequest, type PageResult, pageRequestCodec, pageResultCodec } from './xep0059-rsm.js';
import { child, childText, type Element, is, xml } from './xml.js';

export const SearchElement = { name: 'query', ns: NS.search } as const;
/** FORM_TYPE of the form and of the results (§3). */
export const SEARCH_FORM_TYPE = NS.search;

/** The form that says what can be searched by. */
export interface SearchForm {
  readonly instructions: string;
  readonly form: DataForm;
}

export interface SearchRequest {
  readonly form: DataForm;
  readonly page: PageRequest;
}

export interface SearchResult {
  readonly form: DataForm;
  readonly page: PageResult;
}

export const searchFormCodec: Codec<SearchForm> = {
  fromXml(element) {
    expectQuery(element);
    return { instructions: childText(element, 'instructions', NS.search) ?? '', form: formOf(element) };
  },
  toXml: ({ instructions, form }) =>
    xml('query', { xmlns: NS.search }, xml('instructions', {}, instructions), dataFormCodec.toXml(form)),
};

export const searchRequestCodec: Codec<SearchRequest> = {
  fromXml(element) {
    expectQuery(element);
    const set = child(element, 'set', NS.rsm);
    return { form: formOf(element), page: set ? pageRequestCodec.fromXml(set) : {} };
  },
  toXml: ({ form, page }) =>
    xml(
      'query',
      { xmlns: NS.search },
      dataFormCodec.toXml(form),
      Object.keys(page).length > 0 && pageRequestCodec.toXml(page),
    ),
};

export const searchResultCodec: Codec<SearchResult> = {
  fromXml(element) {
    expectQuery(element);
    const set = child(element, 'set', NS.rsm);
    return { form: formOf(element), page: set ? pageResultCodec.fromXml(set) : {} };
  },
  toXml: ({ form, page }) =>
    xml(
      'query',
      { xmlns: NS.search },
      dataFormCodec.toXml(form),
      Object.keys(page).length > 0 && pageResultCodec.toXml(page),
    ),
};

function expectQuery(element: Element): void {
  if (!is(element, 'query', NS.search)) throw new ParseError('not a search', { field: 'query' });
}

function formOf(element: Element): DataForm {
  const form = child(element, 'x', NS.dataForms);
  if (form === undefined) throw new ParseError('a search for files needs a data form', { field: 'x' });
  return dataFormCodec.fromXml(form);
}

/**
 * XEP-0059: Result Set Management
 * https://xmpp.org/extensions/xep-0059.html, version 1.0 (2006-09-20)
 *
 * Departure: paging by `<index/>` (§2.7, optional) is refused, since answers come and go
 * while an asker pages.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { attribute, child, childText, type Element, is, parseCount, xml } from './xml.js';

/** Which page is asked for. Cursors are opaque to the asker. */
export interface PageRequest {
  /** Largest number of items; undefined leaves it to the responder; 0 asks for the count only (§2.6). */
  readonly max?: number;
  readonly after?: string;
  /** The page before this cursor; the empty string asks for the last page (§2.5). */
  readonly before?: string;
}

/** Which page was given. `first` and `last` are missing when the page is empty. */
export interface PageResult {
  readonly first?: string;
  readonly last?: string;
  readonly index?: number;
  /** Size of the whole result. */
  readonly count?: number;
}

const MAX_CURSOR_CHARS = 1024; // a cursor is ours; longer is not one that we gave

export const pageRequestCodec: Codec<PageRequest> = {
  fromXml(element) {
    expectSet(element);
    if (child(element, 'index', NS.rsm)) {
      throw new ParseError('pages are asked for by <after/> or <before/>, not by <index/>', {
        field: 'index',
      });
    }
    const max = childText(element, 'max', NS.rsm);
    const after = cursor(element, 'after');
    const before = cursor(element, 'before');
    if (after !== undefined && before !== undefined) {
      throw new ParseError('<after/> and <before/> exclude each other', { field: 'after' });
    }
    return {
      ...(max !== undefined && { max: parseCount(max, 'max') }),
      ...(after !== undefined && { after }),
      ...(before !== undefined && { before }),
    };
  },
  toXml: ({ max, after, before }) =>
    xml(
      'set',
      { xmlns: NS.rsm },
      max !== undefined && xml('max', {}, max),
      after !== undefined && xml('after', {}, after),
      before !== undefined && xml('before', {}, before),
    ),
};

export const pageResultCodec: Codec<PageResult> = {
  fromXml(element) {
    expectSet(element);
    const firstElement = child(element, 'first', NS.rsm);
    const index = firstElement && attribute(firstElement, 'index');
    const last = cursor(element, 'last');
    const count = childText(element, 'count', NS.rsm);
    return {
      ...(firstElement && { first: firstElement.getText() }),
      ...(last !== undefined && { last }),
      ...(index !== undefined && { index: parseCount(index, 'index') }),
      ...(count !== undefined && { count: parseCount(count, 'count') }),
    };
  },
  toXml: ({ first, last, index, count }) =>
    xml(
      'set',
      { xmlns: NS.rsm },
      first !== undefined && xml('first', { index }, first),
      last !== undefined && xml('last', {}, last),
      count !== undefined && xml('count', {}, count),
    ),
};

function expectSet(element: Element): void {
  if (!is(element, 'set', NS.rsm)) throw new ParseError('not a <set/>', { field: 'set' });
}

function cursor(element: Element, name: string): string | undefined {
  const text = child(element, name, NS.rsm)?.getText();
  if (text !== undefined && text.length > MAX_CURSOR_CHARS) {
    throw new ParseError(`<${name}/> is not a cursor of ours`, { field: name });
  }
  return text;
}

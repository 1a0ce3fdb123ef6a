/**
 * urn:xmpp:tmp:file-discovery:0, standing questions (docs/protocol.md, "Standing questions"): `<want/>`, by
 * which one node is asked to keep a question, and `<unwant/>`, by which it is told to forget it.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import type { FileCriteria } from './file-criteria.js';
import { fileCriteriaCodec } from './file-criteria-form.js';
import { isQueryId } from './file-discovery.js';
import { NS } from './namespaces.js';
import { formatExactDateTime, parseDateTime } from './xep0082-date-time.js';
import { attribute, children, type Element, elements, is, requiredAttribute, xml } from './xml.js';

/** A question that a node is to keep. */
export interface Want {
  /** Names it in its answers. The same asker's later one of this id takes its place. */
  readonly id: string;
  /** How long it is wanted, milliseconds since 1970. */
  readonly untilMs: number;
  readonly criteria: FileCriteria;
}

/** What a node has granted: `untilMs` may be sooner than was asked for. */
export interface WantGranted {
  readonly id: string;
  readonly untilMs: number;
}

export const wantCodec: Codec<Want> = {
  fromXml(element) {
    const granted = wantGrantedCodec.fromXml(element);
    const unknown = elements(element).find((each) => !is(each, 'x', NS.dataForms));
    if (unknown) {
      const field = unknown.getName();
      throw new ParseError(`<want/> holds no <${field}/> of that namespace`, { field });
    }
    const [form, second] = children(element, 'x', NS.dataForms);
    if (!form || second) throw new ParseError('<want/> needs one data form', { field: 'x' });
    return { ...granted, criteria: fileCriteriaCodec.fromXml(form) };
  },
  toXml: ({ criteria, ...granted }) => {
    const element = wantGrantedCodec.toXml(granted);
    element.append(fileCriteriaCodec.toXml(criteria));
    return element;
  },
};

/** The answer to `<want/>`. */
export const wantGrantedCodec: Codec<WantGranted> = {
  fromXml(element) {
    if (!is(element, 'want', NS.find)) throw new ParseError('not a <want/>', { field: 'want' });
    return { id: idOf(element), untilMs: parseDateTime(requiredAttribute(element, 'until'), 'until') };
  },
  toXml: ({ id, untilMs }) => xml('want', { xmlns: NS.find, id, until: formatExactDateTime(untilMs) }),
};

/** `<unwant/>`: the value is the id of the question. */
export const unwantCodec: Codec<string> = {
  fromXml(element) {
    if (!is(element, 'unwant', NS.find)) throw new ParseError('not an <unwant/>', { field: 'unwant' });
    return idOf(element);
  },
  toXml: (id) => xml('unwant', { xmlns: NS.find, id }),
};

/** What a node that keeps questions says of itself (XEP-0030). */
export const KEPT_FEATURE: string = NS.findKept;

/** The elements that they arrive as. */
export const StandingElement = {
  want: { name: 'want', ns: NS.find },
  unwant: { name: 'unwant', ns: NS.find },
} as const;

function idOf(element: Element): string {
  const id = attribute(element, 'id');
  if (id === undefined || !isQueryId(id)) {
    throw new ParseError(`<${element.getName()}/> needs an id that can name a question`, { field: 'id' });
  }
  return id;
}

/**
 * XEP-0198: Stream Management
 * https://xmpp.org/extensions/xep-0198.html, version 1.6.3 (2025-07-28)
 *
 * The elements with which both ends of a stream count stanzas, and resume it on another
 * connection. `location` of `<enabled/>` is not read: we connect where our owner said, since a
 * certificate proves whose server it is, not where it is.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import {
  attribute,
  child,
  type Element,
  elements,
  parseBoolean,
  parseCount,
  requiredAttribute,
  xml,
} from './xml.js';

/** Counts go round here: `h` is an xs:unsignedInt (§4). */
export const COUNT_MODULUS = 2 ** 32;

export type ManagementElement =
  /** §3 */
  | { readonly type: 'enable'; readonly resume: boolean; readonly maxS?: number }
  | { readonly type: 'enabled'; readonly resume: boolean; readonly id?: string; readonly maxS?: number }
  /** §4: asks for an `ack`. */
  | { readonly type: 'request' }
  | { readonly type: 'ack'; readonly handled: number }
  /** §5 */
  | { readonly type: 'resume'; readonly previousId: string; readonly handled: number }
  | { readonly type: 'resumed'; readonly previousId: string; readonly handled: number }
  /** To `enable` or `resume`; the server may know how much of the former stream it handled. */
  | { readonly type: 'failed'; readonly condition: string; readonly handled?: number };

const MAX_ID_CHARS = 4000; // §5: it should not be longer

export const streamManagementCodec: Codec<ManagementElement> = {
  fromXml(element) {
    if (!isManagement(element)) throw new ParseError('not of stream management', { field: 'xmlns' });
    switch (element.getName()) {
      case 'enable':
        return { type: 'enable', resume: resumeOf(element), ...maxOf(element) };
      case 'enabled':
        return { type: 'enabled', resume: resumeOf(element), ...idOf(element), ...maxOf(element) };
      case 'r':
        return { type: 'request' };
      case 'a':
        return { type: 'ack', handled: handledOf(element) };
      case 'resume':
      case 'resumed':
        return {
          type: element.getName() === 'resume' ? 'resume' : 'resumed',
          previousId: bounded(requiredAttribute(element, 'previd'), 'previd'),
          handled: handledOf(element),
        };
      case 'failed':
        return {
          type: 'failed',
          condition:
            elements(element)
              .find((each) => each.getNS() === NS.stanzas)
              ?.getName() ?? '',
          ...(attribute(element, 'h') !== undefined && { handled: handledOf(element) }),
        };
      default:
        throw new ParseError(`stream management has no <${element.getName()}/>`, { field: 'name' });
    }
  },
  toXml(value) {
    const xmlns = NS.streamManagement;
    switch (value.type) {
      case 'enable':
        return xml('enable', { xmlns, resume: value.resume || undefined, max: value.maxS });
      case 'enabled':
        return xml('enabled', { xmlns, id: value.id, resume: value.resume || undefined, max: value.maxS });
      case 'request':
        return xml('r', { xmlns });
      case 'ack':
        return xml('a', { xmlns, h: value.handled });
      case 'resume':
      case 'resumed':
        return xml(value.type, { xmlns, previd: value.previousId, h: value.handled });
      case 'failed':
        return xml(
          'failed',
          { xmlns, h: value.handled },
          value.condition !== '' && xml(value.condition, { xmlns: NS.stanzas }),
        );
    }
  },
};

export function isManagement(element: Element): boolean {
  return element.getNS() === NS.streamManagement;
}

export function offersManagement(features: Element): boolean {
  return child(features, 'sm', NS.streamManagement) !== undefined;
}

/** §6: the stream error for a peer that says it handled more than it was sent, as text. */
export function handledTooHighError(handled: number, sent: number): string {
  return xml(
    'stream:error',
    { 'xmlns:stream': NS.streams },
    xml('undefined-condition', { xmlns: NS.streamErrors }),
    xml('handled-count-too-high', { xmlns: NS.streamManagement, h: handled, 'send-count': sent }),
  ).toString();
}

function resumeOf(element: Element): boolean {
  const written = attribute(element, 'resume');
  return written !== undefined && parseBoolean(written, 'resume');
}

function idOf(element: Element): { id?: string } {
  const id = attribute(element, 'id');
  return id === undefined || id === '' ? {} : { id: bounded(id, 'id') };
}

function bounded(id: string, field: string): string {
  if (id.length > MAX_ID_CHARS)
    throw new ParseError(`'${field}' is longer than ${MAX_ID_CHARS} characters`, { field });
  return id;
}

function maxOf(element: Element): { maxS?: number } {
  const written = attribute(element, 'max');
  return written === undefined ? {} : { maxS: parseCount(written, 'max') };
}

function handledOf(element: Element): number {
  const handled = parseCount(requiredAttribute(element, 'h'), 'h');
  if (handled >= COUNT_MODULUS) throw new ParseError(`'h' must be below ${COUNT_MODULUS}`, { field: 'h' });
  return handled;
}

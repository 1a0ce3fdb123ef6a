/**
 * XML elements as ltx has them, and the few ways in which codecs read and build them.
 *
 * Everything written through {@link xml} is well-formed XML 1.0: characters that the
 * specification forbids (§2.2) become U+FFFD, since one of them ends a whole component stream.
 */
import { clone, Element } from 'ltx';
import { ParseError } from '../errors.js';

export { Element };

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
export type Child = Element | string | number | undefined | false | readonly Child[];

// XML 1.0 §2.2: Char ::= #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF].
// With the `u` flag a lone surrogate is one code point of its own and so is caught here too.
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

/** `text` with every character that XML 1.0 forbids, lone surrogates included, replaced by U+FFFD. */
export function xmlSafe(text: string): string {
  return text.replace(FORBIDDEN, '\uFFFD');
}

/** Builds an element. Attributes and children that are undefined or false are left out. */
export function xml(name: string, attributes: Attributes = {}, ...children: Child[]): Element {
  const attrs: Record<string, string> = {};
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) attrs[key] = xmlSafe(String(value));
  }
  const element = new Element(name, attrs);
  append(element, children);
  return element;
}

function append(element: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined || child === false) continue;
    if (child instanceof Element) element.append(child);
    else if (typeof child === 'string' || typeof child === 'number') element.t(xmlSafe(String(child)));
    else append(element, child as readonly Child[]);
  }
}

/** A deep copy, on its own. */
export function copyOf(element: Element): Element {
  return clone(element);
}

/** True when `element` has this local name and this namespace. */
export function is(element: Element, name: string, ns: string): boolean {
  return element.is(name, ns);
}

/** The first child element with this name and namespace. */
export function child(element: Element, name: string, ns: string): Element | undefined {
  return element.getChild(name, ns);
}

/** All child elements with this name and namespace, in order. */
export function children(element: Element, name: string, ns: string): Element[] {
  return element.getChildren(name, ns);
}

/** All child elements, whatever their name; text between them is left out. */
export function elements(element: Element): Element[] {
  return element.getChildElements();
}

/** The value of an attribute, or undefined. */
export function attribute(element: Element, name: string): string | undefined {
  const value: unknown = element.attrs[name];
  return value === undefined || value === null ? undefined : String(value);
}

/** The value of an attribute that must be there. Throws {@link ParseError}. */
export function requiredAttribute(element: Element, name: string): string {
  const value = attribute(element, name);
  if (value === undefined || value === '') {
    throw new ParseError(`<${element.getName()}/> needs the attribute '${name}'`, { field: name });
  }
  return value;
}

/** The text of the first child with this name and namespace, trimmed; undefined when there is no such child. */
export function childText(element: Element, name: string, ns: string): string | undefined {
  return child(element, name, ns)?.getText().trim();
}

/** Reads a whole number from 0 to 2^53-1, digits only. Throws {@link ParseError} naming `field`. */
export function parseCount(text: string, field: string): number {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new ParseError(`'${field}' must be a whole number from 0 to 9007199254740991`, { field });
  }
  return value;
}

/** Reads an xs:boolean: true, false, 1 or 0. Throws {@link ParseError} naming `field`. */
export function parseBoolean(text: string, field: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new ParseError(`'${field}' must be true, false, 1 or 0`, { field });
}

import type { Element } from './xml.js';

/** Turns an element into a typed value and back. */
export interface Codec<T> {
  /** Either a fully valid value or a thrown `ParseError`; never a partial value. */
  fromXml(element: Element): T;
  toXml(value: T): Element;
}

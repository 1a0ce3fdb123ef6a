/**
 * Elements out of the text of an XML stream (RFC 6120 §4), as it comes in from a socket.
 *
 * ltx splits the text; building elements is done here, because what is too long or not well-formed
 * has to end the stream with a {@link ParseError} instead of an exception in a socket's listener,
 * and because ltx looks at text that is not complete yet again and again.
 *
 * Servers pass on what is well-formed, however deep, so depth is a stranger's choice and ends no
 * stream: an element that is too deep comes without its children, which says nothing to anybody.
 */
import SaxLtx from 'ltx/src/parsers/ltx.js';
import { ParseError, ShoalError } from '../errors.js';
import { Element } from './xml.js';

export interface XmlStreamEvents {
  /** The opening tag of the stream. */
  start(root: Element): void;
  /** One complete child of the stream. */
  element(element: Element): void;
  /** The closing tag of the stream. */
  end(root: Element): void;
}

export interface XmlStreamLimits {
  /** Longest element between two others, in UTF-16 units. */
  readonly maxElementChars: number;
  /** Of elements in one another, the stream itself counted. */
  readonly maxDepth: number;
}

/** Servers close a component's stream at 512 KiB and a client's at 256 KiB, so more than 1 Mi is no stanza. */
export const DEFAULT_XML_STREAM_LIMITS: XmlStreamLimits = { maxElementChars: 1_048_576, maxDepth: 64 };

interface SaxEvents {
  on(event: 'startElement', listener: (name: string, attrs: Record<string, string>) => void): void;
  on(event: 'endElement', listener: (name: string) => void): void;
  on(event: 'text', listener: (text: string) => void): void;
  write(text: string): void;
}

// The published types take this module for CommonJS.
const Sax = SaxLtx as unknown as new () => SaxEvents;

export class XmlStream {
  readonly #sax = new Sax();
  readonly #open: Element[] = [];
  /** Names of what is open below the depth that is kept. */
  readonly #tooDeep: string[] = [];
  /** Whether the child of the stream that is being read is too deep. */
  #isPruned = false;
  readonly #held: string[] = [];
  #charsSinceElement = 0;

  constructor(
    private readonly events: XmlStreamEvents,
    private readonly limits: XmlStreamLimits = DEFAULT_XML_STREAM_LIMITS,
  ) {
    this.#sax.on('startElement', (name, attrs) => this.#startElement(name, attrs));
    this.#sax.on('endElement', (name) => this.#endElement(name));
    this.#sax.on('text', (text) => {
      if (!this.#isPruned) this.#open.at(-1)?.t(text);
    });
  }

  /** Takes the next piece of text. Throws {@link ParseError}; the stream is of no use afterwards. */
  write(text: string): void {
    this.#charsSinceElement += text.length;
    // Nothing can be complete without a '>'; ltx would scan the unfinished rest anew for each piece.
    const end = text.lastIndexOf('>') + 1;
    if (end > 0) {
      this.#held.push(text.slice(0, end));
      const complete = this.#held.join('');
      this.#held.length = 0;
      this.#parse(complete);
    }
    if (end < text.length) this.#held.push(text.slice(end));
    if (this.#charsSinceElement > this.limits.maxElementChars + text.length) {
      throw new ParseError('an element of the stream is too long');
    }
  }

  #parse(text: string): void {
    try {
      this.#sax.write(text);
    } catch (error) {
      if (error instanceof ShoalError) throw error; // ours, or of whoever was told
      throw new ParseError('the stream is not well-formed XML', { cause: error });
    }
  }

  #startElement(name: string, attrs: Record<string, string>): void {
    if (this.#open.length >= this.limits.maxDepth) {
      this.#tooDeep.push(name);
      this.#isPruned = true;
      return;
    }
    const element = new Element(name, attrs);
    const parent = this.#open.at(-1);
    this.#open.push(element);
    if (parent === undefined) {
      this.#charsSinceElement = 0;
      this.events.start(element);
    } else if (this.#open.length === 2) {
      element.parent = parent; // for its namespace; the root must not collect what has passed
    } else parent.append(element);
  }

  #endElement(name: string): void {
    const deep = this.#tooDeep.pop();
    const element = deep === undefined ? this.#open.pop() : undefined;
    if ((deep ?? element?.name) !== name) throw new ParseError(`</${name}> closes nothing that is open`);
    if (element === undefined) return;
    if (this.#open.length === 0) this.events.end(element);
    else if (this.#open.length === 1) {
      this.#charsSinceElement = 0;
      if (this.#isPruned) element.children = [];
      this.#isPruned = false;
      this.events.element(element);
    }
  }
}

/** Reads one whole element. Throws {@link ParseError}. */
export function parseXml(text: string, limits: XmlStreamLimits = DEFAULT_XML_STREAM_LIMITS): Element {
  const parsed: Element[] = [];
  const stream = new XmlStream(
    { start: () => {}, element: (element) => parsed.push(element), end: () => {} },
    limits,
  );
  stream.write(`<stream>${text}`);
  const [element, second] = parsed;
  if (element === undefined || second !== undefined) throw new ParseError('not one XML element');
  element.parent = null;
  return element;
}

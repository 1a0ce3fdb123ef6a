/**
 * XEP-0066: Out of Band Data
 * https://xmpp.org/extensions/xep-0066.html, version 1.5 (2006-08-16)
 *
 * As a message says of a URL that there is something to fetch (§3), and so clients show it as a file.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { childText, is, xml } from './xml.js';

export interface OutOfBand {
  readonly url: URL;
  readonly desc?: string;
}

export const outOfBandCodec: Codec<OutOfBand> = {
  fromXml(element) {
    const text = is(element, 'x', NS.outOfBand) ? childText(element, 'url', NS.outOfBand) : undefined;
    if (text === undefined || !URL.canParse(text)) {
      throw new ParseError("<x/> of out of band data needs a 'url'", { field: 'url' });
    }
    const desc = childText(element, 'desc', NS.outOfBand);
    return { url: new URL(text), ...(desc !== undefined && { desc }) };
  },
  toXml: ({ url, desc }) =>
    xml('x', { xmlns: NS.outOfBand }, xml('url', {}, url.href), desc !== undefined && xml('desc', {}, desc)),
};

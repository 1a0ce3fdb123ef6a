/**
 * XEP-0054: vcard-temp
 * https://xmpp.org/extensions/xep-0054.html, version 1.2 (2008-07-16)
 *
 * A name, a description and a picture: no more is ours to tell.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { child, childText, is, xml } from './xml.js';

export const VCardElement = { name: 'vCard', ns: NS.vcard } as const;

export interface VCard {
  readonly name?: string;
  readonly desc?: string;
  readonly photo?: { readonly mediaType: string; readonly base64: string };
}

export const vcardCodec: Codec<VCard> = {
  fromXml(element) {
    if (!is(element, 'vCard', NS.vcard)) throw new ParseError('not a <vCard/>', { field: 'vCard' });
    const name = childText(element, 'FN', NS.vcard);
    const desc = childText(element, 'DESC', NS.vcard);
    const photo = child(element, 'PHOTO', NS.vcard);
    const mediaType = photo && childText(photo, 'TYPE', NS.vcard);
    const base64 = photo && childText(photo, 'BINVAL', NS.vcard);
    return {
      ...(name !== undefined && { name }),
      ...(desc !== undefined && { desc }),
      ...(mediaType !== undefined && base64 !== undefined && { photo: { mediaType, base64 } }),
    };
  },
  toXml: ({ name, desc, photo }) =>
    xml(
      'vCard',
      { xmlns: NS.vcard },
      name !== undefined && xml('FN', {}, name),
      desc !== undefined && xml('DESC', {}, desc),
      photo && xml('PHOTO', {}, xml('TYPE', {}, photo.mediaType), xml('BINVAL', {}, photo.base64)),
    ),
};

/**
 * XEP-0446: File metadata element
 * https://xmpp.org/extensions/xep-0446.html, version 0.2.0 (2022-07-17)
 *
 * `<file/>` of what is shared in messages. Thumbnails are left out; of several descriptions the first is read.
 */
import { ParseError } from '../errors.js';
import type { Codec } from './codec.js';
import { NS } from './namespaces.js';
import { formatDateTime, parseDateTime } from './xep0082-date-time.js';
import { type Hash, hashCodec, isHashAlgorithm } from './xep0300-hashes.js';
import { attribute, children, childText, is, parseCount, xml } from './xml.js';

export interface FileMetadata {
  readonly name?: string;
  readonly mediaType?: string;
  readonly size?: number;
  /** Last modification, milliseconds since 1970. */
  readonly dateMs?: number;
  readonly desc?: string;
  readonly hashes: readonly Hash[];
  /** Of pictures, pixels. */
  readonly width?: number;
  readonly height?: number;
  /** Of what is played, milliseconds. */
  readonly lengthMs?: number;
}

export const fileMetadataCodec: Codec<FileMetadata> = {
  fromXml(element) {
    if (!is(element, 'file', NS.fileMetadata)) throw new ParseError('not a <file/>', { field: 'file' });
    const text = (name: string) => childText(element, name, NS.fileMetadata) || undefined;
    const count = (name: string) => {
      const value = text(name);
      return value === undefined ? undefined : parseCount(value, name);
    };
    const date = text('date');
    return given({
      name: text('name'),
      mediaType: text('media-type'),
      size: count('size'),
      dateMs: date === undefined ? undefined : parseDateTime(date),
      desc: text('desc'),
      hashes: children(element, 'hash', NS.hashes2)
        .filter((each) => isHashAlgorithm(attribute(each, 'algo') ?? '')) // others are skipped (XEP-0300 §4)
        .map((each) => hashCodec.fromXml(each)),
      width: count('width'),
      height: count('height'),
      lengthMs: count('length'),
    });
  },
  toXml: (file) =>
    xml(
      'file',
      { xmlns: NS.fileMetadata },
      file.mediaType !== undefined && xml('media-type', {}, file.mediaType),
      file.name !== undefined && xml('name', {}, file.name),
      file.dateMs !== undefined && xml('date', {}, formatDateTime(file.dateMs)),
      file.size !== undefined && xml('size', {}, file.size),
      file.hashes.map((hash) => hashCodec.toXml(hash)),
      file.desc !== undefined && xml('desc', {}, file.desc),
      file.width !== undefined && xml('width', {}, file.width),
      file.height !== undefined && xml('height', {}, file.height),
      file.lengthMs !== undefined && xml('length', {}, file.lengthMs),
    ),
};

/** Without what is not known. */
function given(file: { [K in keyof FileMetadata]: FileMetadata[K] | undefined }): FileMetadata {
  return Object.fromEntries(
    Object.entries(file).filter(([, value]) => value !== undefined),
  ) as unknown as FileMetadata;
}

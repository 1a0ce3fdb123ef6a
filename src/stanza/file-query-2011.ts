/**
 * The file query that was proposed in November 2011 as a revision of XEP-0135
 * (docs/protocol.md, "The 2011 form"): a disco#info query that holds
 * `<identity category='filesys' type='file'/>` with criteria as attributes, and a data form
 * for regular expressions. The answer holds one such identity a file.
 */
import { ParseError } from '../errors.js';
import type { FileCriteria } from './file-criteria.js';
import { fileCriteriaCodec } from './file-criteria-form.js';
import { NS } from './namespaces.js';
import { type PageRequest, type PageResult, pageRequestCodec, pageResultCodec } from './xep0059-rsm.js';
import { formatDateTime, parseDateInterval, parseDateTime } from './xep0082-date-time.js';
import type { FileDescription } from './xep0234-file-transfer.js';
import { formatHash, parseHashText } from './xep0300-hashes.js';
import { attribute, child, children, type Element, is, parseCount, xml } from './xml.js';

export interface FileQuery2011 {
  readonly nodeId?: string;
  readonly criteria: FileCriteria;
  /** COMPAT: the proposal knew no pages; `<set/>` is understood all the same. */
  readonly page: PageRequest;
}

export interface FileAnswer2011 {
  readonly nodeId?: string;
  readonly files: readonly FileDescription[];
  readonly page: PageResult;
}

const CATEGORY = 'filesys';
const TYPE = 'file';

/** True when a disco#info query is a file query; otherwise it asks who we are. */
export function isFileQuery2011(element: Element): boolean {
  return is(element, 'query', NS.discoInfo) && fileIdentities(element).length > 0;
}

/** Throws {@link ParseError} naming the field. */
export function fileQuery2011FromXml(element: Element): FileQuery2011 {
  const [identity, second] = fileIdentities(element);
  if (!is(element, 'query', NS.discoInfo) || !identity) {
    throw new ParseError('not a file query', { field: 'query' });
  }
  if (second) throw new ParseError('a query holds one file identity', { field: 'identity' });
  const form = child(element, 'x', NS.dataForms);
  if (form && attribute(form, 'type') === undefined) form.attrs.type = 'submit'; // the proposal showed none
  const fromAttributes = criteriaOf(identity);
  const fromForm = form ? fileCriteriaCodec.fromXml(form) : {};
  for (const field of Object.keys(fromForm)) {
    if (Object.hasOwn(fromAttributes, field)) {
      throw new ParseError(`'${field}' stands both as an attribute and in the form`, { field });
    }
  }
  const nodeId = attribute(element, 'node');
  const set = child(element, 'set', NS.rsm);
  return {
    ...(nodeId !== undefined && { nodeId }),
    criteria: { ...fromAttributes, ...fromForm },
    page: set ? pageRequestCodec.fromXml(set) : {},
  };
}

export function fileQuery2011ToXml(query: FileQuery2011): Element {
  const { name, size, date, desc, hash, mediaType, ...rest } = query.criteria;
  const contains = (tests: FileCriteria['name']) => tests?.find((test) => test.type === 'contains')?.value;
  const patterns = (tests: FileCriteria['name']) => tests?.filter((test) => test.type === 'regex') ?? [];
  const form: FileCriteria = {
    ...rest,
    ...(patterns(name).length > 0 && { name: patterns(name) }),
    ...(patterns(desc).length > 0 && { desc: patterns(desc) }),
  };
  const [firstDate] = date ?? [];
  const [firstHash] = hash ?? [];
  return xml(
    'query',
    { xmlns: NS.discoInfo, node: query.nodeId },
    xml('identity', {
      category: CATEGORY,
      type: TYPE,
      name: contains(name),
      size: size?.[0],
      date: firstDate && formatDateTime(firstDate.fromMs),
      desc: contains(desc),
      hash: firstHash && formatHash(firstHash),
      'media-type': mediaType?.[0],
    }),
    Object.keys(form).length > 0 && fileCriteriaCodec.toXml(form),
    Object.keys(query.page).length > 0 && pageRequestCodec.toXml(query.page),
  );
}

/** Throws {@link ParseError}. */
export function fileAnswer2011FromXml(element: Element): FileAnswer2011 {
  const nodeId = attribute(element, 'node');
  const set = child(element, 'set', NS.rsm);
  return {
    ...(nodeId !== undefined && { nodeId }),
    files: fileIdentities(element).map(fileOf),
    page: set ? pageResultCodec.fromXml(set) : {},
  };
}

export function fileAnswer2011ToXml(answer: FileAnswer2011): Element {
  return xml(
    'query',
    { xmlns: NS.discoInfo, node: answer.nodeId },
    answer.files.map((file) => {
      const [hash] = file.hashes;
      return xml('identity', {
        category: CATEGORY,
        type: TYPE,
        name: file.name,
        hash: hash && formatHash(hash),
        size: file.size,
        date: file.dateMs === undefined ? undefined : formatDateTime(file.dateMs),
        'media-type': file.mediaType,
        desc: file.desc,
      });
    }),
    Object.keys(answer.page).length > 0 && pageResultCodec.toXml(answer.page),
  );
}

function fileIdentities(element: Element): Element[] {
  return children(element, 'identity', NS.discoInfo).filter(
    (each) => attribute(each, 'category') === CATEGORY && attribute(each, 'type') === TYPE,
  );
}

function criteriaOf(identity: Element): FileCriteria {
  const name = attribute(identity, 'name');
  const size = attribute(identity, 'size');
  const date = attribute(identity, 'date');
  const desc = attribute(identity, 'desc');
  const hash = attribute(identity, 'hash');
  const mediaType = attribute(identity, 'media-type');
  return {
    ...(name && { name: [{ type: 'contains', value: name }] }),
    ...(size && { size: [parseCount(size, 'size')] }),
    ...(date && { date: [parseDateInterval(date)] }),
    ...(desc && { desc: [{ type: 'contains', value: desc }] }),
    ...(hash && { hash: [parseHashText(hash)] }),
    ...(mediaType && { mediaType: [mediaType] }),
  };
}

function fileOf(identity: Element): FileDescription {
  const name = attribute(identity, 'name');
  const size = attribute(identity, 'size');
  const date = attribute(identity, 'date');
  const desc = attribute(identity, 'desc');
  const hash = attribute(identity, 'hash');
  const mediaType = attribute(identity, 'media-type');
  return {
    ...(name && { name }),
    ...(size && { size: parseCount(size, 'size') }),
    ...(date && { dateMs: parseDateTime(date) }),
    ...(desc && { desc }),
    ...(mediaType && { mediaType }),
    hashes: hash ? [parseHashText(hash)] : [],
    hashesUsed: [],
  };
}

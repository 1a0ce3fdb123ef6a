/**
 * The name under which a file is saved (RFC 6266 §4, RFC 8187). Always to be saved, not shown: a page of ours might else
 * act in the name of whatever else is at our address.
 */
export function contentDisposition(name: string): string {
  const plain = name.replace(/[^ -~]/gu, '_').replace(/["\\%]/g, '_'); // §4.3, appendix D: % is decoded by some
  const simple = `attachment; filename="${plain}"`;
  return plain === name ? simple : `${simple}; filename*=UTF-8''${extendedValue(name)}`;
}

/** RFC 8187 §3.2.1: what is no attr-char as percents. */
function extendedValue(name: string): string {
  return encodeURIComponent(name).replace(/['()*]/g, (each) => `%${each.charCodeAt(0).toString(16)}`);
}

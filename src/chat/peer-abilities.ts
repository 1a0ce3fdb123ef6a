/** Whether somebody's program takes files by Jingle, as it says itself (XEP-0030). */
import type { Entity } from '../entity/entity.js';
import type { Jid } from '../stanza/jid.js';
import { NS } from '../stanza/namespaces.js';
import { discoAnswerOf, discoQueryToXml, hasFeature } from '../stanza/xep0030-disco.js';
import { FILE_TRANSFER_NAMESPACES, type FileTransferNamespace } from '../stanza/xep0234-file-transfer.js';

const TRANSPORTS = [NS.s5b, NS.jingleIbb];
/** A person waits meanwhile. */
const ANSWER_MS = 5000;

/**
 * The version of Jingle file transfer to offer files in; undefined where it takes none, or does not say. `from` is the
 * address of ours that it knows. Never rejects.
 */
export async function fileTransferOf(
  entity: Pick<Entity, 'request'>,
  peer: Jid,
  from: Jid,
  signal: AbortSignal,
): Promise<FileTransferNamespace | undefined> {
  try {
    const request = { to: peer, from, type: 'get', timeoutMs: ANSWER_MS, signal } as const;
    const answer = await entity.request({ ...request, payload: discoQueryToXml('info') });
    const info = discoAnswerOf(answer, 'info');
    if (info === undefined || !TRANSPORTS.some((ns) => hasFeature(info, ns))) return undefined;
    return FILE_TRANSFER_NAMESPACES.find((ns) => hasFeature(info, ns));
  } catch {
    return undefined; // it went away, or says nothing about itself
  }
}

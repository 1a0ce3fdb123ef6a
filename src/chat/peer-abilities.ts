/** Whether somebody's program takes files by Jingle, as it says itself (XEP-0030). */
import type { Entity } from '../entity/entity.js';
import type { Jid } from '../stanza/jid.js';
import { NS } from '../stanza/namespaces.js';
import { discoAnswerOf, discoQueryToXml, hasFeature } from '../stanza/xep0030-disco.js';
import { FILE_TRANSFER_NAMESPACES, type FileTransferNamespace } from '../stanza/xep0234-file-transfer.js';

const TRANSPORTS = [NS.s5b, NS.jingleIbb];
/** A person waits meanwhile. */
const ANSWER_MS = 5000;

export type FileAbility =
  /** In the version of Jingle file transfer to offer files in. */
  | { readonly type: 'takes'; readonly namespace: FileTransferNamespace }
  /** It says so. */
  | { readonly type: 'takes-none' }
  /** It went away, or says nothing about itself, or not soon enough. */
  | { readonly type: 'unknown' };

/** `from` is the address of ours that it knows. Never rejects. */
export async function fileAbilityOf(
  entity: Pick<Entity, 'request'>,
  peer: Jid,
  from: Jid,
  signal: AbortSignal,
): Promise<FileAbility> {
  try {
    const request = { to: peer, from, type: 'get', timeoutMs: ANSWER_MS, signal } as const;
    const answer = await entity.request({ ...request, payload: discoQueryToXml('info') });
    const info = discoAnswerOf(answer, 'info');
    if (info === undefined) return { type: 'unknown' };
    const namespace = FILE_TRANSFER_NAMESPACES.find((ns) => hasFeature(info, ns));
    const isTaker = namespace !== undefined && TRANSPORTS.some((ns) => hasFeature(info, ns));
    return isTaker ? { type: 'takes', namespace } : { type: 'takes-none' };
  } catch {
    return { type: 'unknown' };
  }
}

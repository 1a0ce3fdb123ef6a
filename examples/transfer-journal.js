// @ts-check
/**
 * An extension: writes a line of JSON for every transfer that has ended to a file, which grows.
 *
 *     extensions:
 *       - module: ./examples/transfer-journal.js
 *         config: { file: ./transfers.jsonl }
 */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

export const apiVersion = 1;

/** @type {import('shoal/extension').Extension} */
export default async function transferJournal({ config, log, resolve }) {
  const { file } = config;
  if (typeof file !== 'string') throw new Error('config.file must be the path of the journal');
  const journal = createWriteStream(resolve(file), { flags: 'a', mode: 0o600 });
  await once(journal, 'open'); // a file that can't be written is told now, and stops the start of the node
  journal.on('error', (error) => log.error('the journal can not be written', { error: error.message }));

  return {
    onTransferEnd({ peer, file, range, outcome, error, sentBytes, durationMs }) {
      const at = new Date().toISOString();
      const { path, sha256 } = file;
      const line = { at, peer, path, sha256, range, outcome, error, sentBytes, durationMs };
      journal.write(`${JSON.stringify(line)}\n`);
    },
    async stop() {
      journal.end();
      await finished(journal);
    },
  };
}

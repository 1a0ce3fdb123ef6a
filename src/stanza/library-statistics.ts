/** How much a node has for whoever asks: a form in its disco#info (XEP-0128; docs/protocol.md, "Doors"). */
import { NS } from './namespaces.js';
import type { DataForm } from './xep0004-data-forms.js';

export interface LibraryStatistics {
  readonly files: number;
  readonly bytes: number;
  /** That are listened to. */
  readonly channels: number;
}

export function libraryStatistics(statistics: LibraryStatistics): DataForm {
  return {
    type: 'result',
    formType: NS.findStatistics,
    fields: FIELDS.map((name) => ({ var: name, values: [String(statistics[name])] })),
  };
}

const FIELDS = ['files', 'bytes', 'channels'] as const;

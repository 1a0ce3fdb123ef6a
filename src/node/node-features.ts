/** What a node says of itself by service discovery (XEP-0030). */
import type { DiscoInit } from '../entity/disco.js';
import { NS } from '../stanza/namespaces.js';
import { hashFunctionFeature } from '../stanza/xep0300-hashes.js';
import { ORDER_BY_FEATURES } from '../stanza/xep0413-order-by.js';

export function nodeDisco(version: string, transferFeatures: readonly string[]): DiscoInit {
  return {
    identities: [{ category: 'component', type: 'generic', name: 'shoal' }],
    features: [
      NS.find,
      NS.rsm,
      ...ORDER_BY_FEATURES,
      NS.hashes2,
      hashFunctionFeature('sha-256'),
      ...transferFeatures,
    ],
    version: { name: 'shoal', version },
  };
}

/** What nodes and askers say of themselves by service discovery (XEP-0030). */
import type { DiscoInit } from '../entity/disco.js';
import { NS } from '../stanza/namespaces.js';
import { hashFunctionFeature } from '../stanza/xep0300-hashes.js';
import { ORDER_BY_FEATURES } from '../stanza/xep0413-order-by.js';

const HASH_FEATURES = [NS.hashes2, hashFunctionFeature('sha-256')];

export function nodeDisco(
  mode: 'component' | 'client',
  name: string,
  version: string,
  transferFeatures: readonly string[],
): DiscoInit {
  return {
    identities: [
      mode === 'component'
        ? { category: 'component', type: 'generic', name }
        : { category: 'client', type: 'bot', name },
    ],
    ...(mode === 'client' && { capsNodeId: NS.shoal }),
    features: [NS.find, NS.rsm, ...ORDER_BY_FEATURES, ...HASH_FEATURES, ...transferFeatures],
    version: { name: 'shoal', version },
  };
}

/** An asker answers no queries; it transfers files, and confirms that it asked. */
export function askerDisco(transferFeatures: readonly string[]): DiscoInit {
  return {
    identities: [{ category: 'client', type: 'console', name: 'shoal' }],
    features: [...HASH_FEATURES, ...transferFeatures],
  };
}

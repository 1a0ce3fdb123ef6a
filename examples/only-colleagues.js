// @ts-check
/**
 * An extension: answers and serves only people of certain domains. For all others the node is as empty as one without
 * files.
 *
 *     extensions:
 *       - module: ./examples/only-colleagues.js
 *         config: { domains: [example.org, example.net] }
 */

export const apiVersion = 1;

/** @type {import('shoal/extension').Extension} */
export default function onlyColleagues({ config, log }) {
  const { domains } = config;
  if (!Array.isArray(domains) || domains.length === 0) {
    throw new Error('config.domains must be a list of domains, such as [example.org]');
  }
  const known = new Set(domains.map((domain) => String(domain).toLowerCase()));

  /** @param {string} address */
  const isColleague = (address) => known.has(domainOf(address));

  return {
    // Should this ever fail, nobody is served, instead of everybody.
    required: true,
    onQuery({ from }) {
      if (isColleague(from)) return;
      log.debug('a stranger asked', { from });
      return { veto: true };
    },
    onTransferStart({ peer, file }) {
      if (isColleague(peer)) return;
      log.info('a stranger wanted a file', { peer, path: file.path });
      return { veto: true };
    },
  };
}

/**
 * `romeo@example.org/orchard` → `example.org`. The node has checked the address, and its case.
 * @param {string} address
 */
function domainOf(address) {
  const [bare = ''] = address.split('/');
  return bare.slice(bare.indexOf('@') + 1);
}

/** The gateway of the default route, out of what Linux says in `/proc/net/route`. */

const RTF_GATEWAY = 0x2;
const ANYWHERE = '00000000';

/** Its IPv4 address; undefined when there is none. Of several, that with the lowest metric. */
export function defaultGatewayOf(routes: string): string | undefined {
  const [found] = routes
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([, destination, gateway = '', flags = '', , , metric, mask]) => ({
      matches:
        destination === ANYWHERE && mask === ANYWHERE && (Number.parseInt(flags, 16) & RTF_GATEWAY) !== 0,
      address: addressOf(gateway),
      metric: Number(metric),
    }))
    .filter(({ matches, address }) => matches && address !== undefined)
    .sort((a, b) => a.metric - b.metric);
  return found?.address;
}

/** The kernel prints the number as it lies in memory: on a little-endian machine the last part first. */
function addressOf(hex: string): string | undefined {
  if (!/^[0-9A-F]{8}$/i.test(hex)) return undefined;
  const parts = [...Buffer.from(hex, 'hex')];
  return (IS_LITTLE_ENDIAN ? parts.reverse() : parts).join('.');
}

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

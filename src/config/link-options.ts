/** The options of the links over which files are fetched by HTTP: off unless there is somewhere to listen. */
import { hostPort, httpUrl, path, whole, yesOrNo } from './kinds.js';
import { optional, type Place, type SectionOf, type ValuesOf, withDefault } from './option.js';

const DAY_S = 86_400;

export const linkOptions = {
  'links.listen': optional(hostPort, {
    reason:
      'Where links to files are served, for askers whose programs have no Jingle (docs/links.md). Without it there are none.',
    example: '127.0.0.1:8780',
  }),
  'links.url': optional(httpUrl, {
    reason: 'What links begin with: where askers reach that listener, or the proxy in front of it.',
    example: 'https://files.example.org/',
  }),
  'links.expireS': withDefault(whole(60, 30 * DAY_S), DAY_S, {
    unit: 's',
    reason: 'How long a link lasts. Whoever has it can use it, whoever it was made for.',
  }),
  'links.tlsCert': optional(path, {
    reason: 'The certificate, with those above it, in PEM, where the listener itself speaks HTTPS.',
    example: './links.crt',
  }),
  'links.tlsKey': optional(path, {
    reason:
      'Its key, in PEM. Nobody else should be able to read it. Both files are read again when they change.',
    example: './links.key',
  }),
  'links.behindProxy': withDefault(yesOrNo, false, {
    reason:
      'Whether all requests come through a proxy of yours, which puts the address of the client last into X-Forwarded-For.',
  }),
  'links.pinAddress': withDefault(yesOrNo, false, {
    reason: 'Whether a link serves no other address than the one that uses it first.',
  }),
  'links.inAnswers': withDefault(yesOrNo, true, {
    reason: 'Whether answers hold a link for each file, which makes them longer.',
  }),
};

type LinkValues = ValuesOf<typeof linkOptions>;

/** Complete and checked. */
export interface LinkConfig
  extends Pick<SectionOf<LinkValues, 'links'>, 'expireS' | 'behindProxy' | 'pinAddress' | 'inAnswers'> {
  readonly listen: { readonly host: string; readonly port: number };
  /** Ends with a slash. */
  readonly url: URL;
  /** Paths. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Undefined where there are to be none, or something is at fault, which `place` is told. */
export function linksOf(values: Partial<LinkValues>, place: Place): LinkConfig | undefined {
  const { 'links.listen': listen, 'links.url': url, 'links.tlsCert': cert, 'links.tlsKey': key } = values;
  const missing = (name: string, other: string) => {
    const isReported = place.faults.some(({ path: at }) => at.join('.') === `links.${name}`);
    if (!isReported) place.faults.push({ path: ['links', name], text: `is missing; it belongs to ${other}` });
  };
  if (listen !== undefined && url === undefined) missing('url', 'links.listen');
  if (url !== undefined && listen === undefined) missing('listen', 'links.url');
  if (cert !== undefined && key === undefined) missing('tlsKey', 'links.tlsCert');
  if (key !== undefined && cert === undefined) missing('tlsCert', 'links.tlsKey');
  if (listen === undefined || url === undefined) return undefined;
  return {
    listen,
    url,
    ...(cert !== undefined && key !== undefined && { tls: { cert, key } }),
    // With a fault in one of them nothing of this is used.
    expireS: values['links.expireS'] ?? DAY_S,
    behindProxy: values['links.behindProxy'] ?? false,
    pinAddress: values['links.pinAddress'] ?? false,
    inAnswers: values['links.inAnswers'] ?? true,
  };
}

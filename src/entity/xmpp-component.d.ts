/** `@xmpp/component` comes without types; this is what we use of it. */
declare module '@xmpp/component' {
  import type { LibraryEntity } from './library-stream.js';

  export function component(options: {
    readonly service: string;
    readonly domain: string;
    readonly password: string;
  }): LibraryEntity;
}

/** What ties an application to its content, which can only be made when the application is there. */
import type { Log } from '../log.js';
import type { ContentLink } from './content-application.js';
import type { ContentEvent } from './content-state.js';
import type { FileContent } from './file-content.js';
import type { SessionEnding } from './reason.js';

export class OpenLink implements ContentLink {
  content: FileContent | undefined;

  constructor(
    readonly sid: string,
    private readonly finishContent: (content: FileContent | undefined, end: SessionEnding) => Promise<void>,
    readonly log: Pick<Log, 'error'>,
  ) {}

  readonly raise = (event: ContentEvent): void => {
    this.content?.handle(event);
  };

  readonly tellQueue = async (place: number): Promise<boolean> =>
    (await this.content?.tellQueue(place)) ?? false;

  readonly granted = (): void => {
    this.content?.granted();
  };

  readonly finish = (end: SessionEnding): Promise<void> => this.finishContent(this.content, end);
}

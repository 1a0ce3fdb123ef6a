/** The configuration of a running node, for whoever has it read anew or changes it. One change after the other. */
import { ConfigError } from '../config/config-error.js';
import type { ConfigFile } from '../config/config-file.js';
import { sharableFolder } from '../config/folders.js';
import type { Loaded } from '../config/load.js';
import type { NodeConfig } from '../config/options.js';
import { type WrittenShare, withoutShare, withShare } from '../config/share-edits.js';
import { messageOf } from '../errors.js';
import type { Log } from '../log.js';
import type { OwnersConfiguration } from '../service/commands/owner-commands.js';
import type { ShareEditor } from '../service/commands/share-commands.js';
import type { ReloadOutcome } from './node-question.js';

export interface ConfigurationKeeperComponents {
  /** Takes over another configuration, all of it or nothing. Resolves with what has changed. */
  readonly node: { reload(config: NodeConfig): Promise<readonly string[]> };
  /** Reads it. Throws ConfigError. */
  readonly load: () => Promise<Loaded<NodeConfig>>;
  /** That which is read; without it nothing is written. */
  readonly file?: ConfigFile;
  readonly log: Log;
  /** Until then nothing can be changed. */
  readonly isReady: () => boolean;
}

export class ConfigurationKeeper implements OwnersConfiguration {
  readonly editor?: ShareEditor;
  readonly #components: ConfigurationKeeperComponents;
  #changing: Promise<unknown> = Promise.resolve();

  constructor(components: ConfigurationKeeperComponents) {
    this.#components = components;
    const { file } = components;
    if (file === undefined) return;
    this.editor = {
      addShare: (share, by) => this.#add(file, share, by),
      removeShare: (name, by) =>
        this.#edit(file, { by, removed: name }, async (text) => withoutShare(text, name)),
    };
  }

  /** Never rejects: whatever is wrong is told, and changes nothing. */
  reload(): Promise<ReloadOutcome> {
    return this.#inTurn(() => this.#reload());
  }

  #add(file: ConfigFile, { name, path }: WrittenShare, by: string): Promise<ReloadOutcome> {
    return this.#edit(file, { by, added: name, path }, async (text, { config }) =>
      withShare(text, { name, path: await sharableFolder(path, config, file.path) }),
    );
  }

  /** Writes the file and takes it over; where that is refused, the file is as before. */
  #edit(
    file: ConfigFile,
    what: Readonly<Record<string, string>>,
    edit: (text: string, before: Loaded<NodeConfig>) => Promise<string>,
  ): Promise<ReloadOutcome> {
    const { load, log } = this.#components;
    return this.#inTurn(async () => {
      this.#checkReady();
      const before = await file.read();
      const after = await edit(before, await load());
      await file.replace(before, after);
      log.info(what, 'an owner changed the configuration');
      const outcome = await this.#reload();
      if (outcome.type === 'reloaded') return outcome;
      try {
        await file.replace(after, before);
      } catch (error) {
        log.error({ err: error }, 'the configuration could not be put back');
        return {
          type: 'refused',
          why: [...outcome.why, `and it could not be put back: ${messageOf(error)}`],
        };
      }
      return outcome;
    });
  }

  async #reload(): Promise<ReloadOutcome> {
    const { node, load, log } = this.#components;
    try {
      this.#checkReady();
      const { config, warnings } = await load();
      const changed = await node.reload(config);
      for (const warning of warnings) log.warn(warning);
      log.info({ changed }, 'the configuration was read anew');
      return { type: 'reloaded', changed, warnings };
    } catch (thrown) {
      const why = linesOf(thrown);
      log.error({ why }, 'the configuration was read anew, and nothing of it taken over');
      return { type: 'refused', why };
    }
  }

  #checkReady(): void {
    if (!this.#components.isReady()) throw new ConfigError(['it is still starting']);
  }

  async #inTurn(change: () => Promise<ReloadOutcome>): Promise<ReloadOutcome> {
    const changed = this.#changing
      .then(change)
      .catch((thrown: unknown): ReloadOutcome => ({ type: 'refused', why: linesOf(thrown) }));
    this.#changing = changed;
    return await changed;
  }
}

function linesOf(thrown: unknown): readonly string[] {
  return thrown instanceof ConfigError ? thrown.lines : [messageOf(thrown)];
}

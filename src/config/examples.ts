/** The commented examples in `config/`, by the name of their file. */
import { exampleYaml } from './example.js';
import { askerOptions, nodeOptions } from './options.js';

const RULES =
  'Relative paths begin at the folder of this file, ~/ at the home folder; what stands in comments may be ' +
  'left out, and is shown with its default or an example.';

export const examples = {
  'node.example.yaml': exampleYaml(
    `Configuration of a node, for: shoal serve --config FILE. ${RULES}`,
    nodeOptions,
  ),
  'asker.example.yaml': exampleYaml(
    `Configuration of who looks for files, for: shoal find, shoal get and shoal want. ${RULES}`,
    askerOptions,
  ),
} as const;

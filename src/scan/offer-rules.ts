/** Which names of a share are offered at all: hidden ones and those the configuration excludes are not. */
import picomatch from 'picomatch';
import type { ShareConfig } from '../catalogue/share.js';
import { baseName, parentOf } from '../catalogue/share-path.js';

type Rules = Pick<ShareConfig, 'exclude' | 'hidden'>;
type Matcher = (text: string) => boolean;

export interface OfferRules {
  /** `path` is in the share; the folders above it have been accepted. A folder refused is not entered. */
  accepts(path: string): boolean;
  /** The same for a path whose folders nobody has looked at. */
  acceptsAll(path: string): boolean;
}

export function compileOfferRules(rules: Rules): OfferRules {
  const names: Matcher[] = [];
  const paths: Matcher[] = [];
  for (const pattern of rules.exclude) {
    // `.git/` means the folder; what is in it is never reached.
    const bare = pattern.replace(/\/+$/, '').replace(/^\.?\/+/, '');
    if (bare === '') continue;
    // Names may hold newlines, which `.` of a RegExp only matches with the flag s.
    const matches = picomatch(bare, { dot: true, flags: 's' });
    if (pattern.replace(/\/+$/, '').includes('/')) paths.push(matches);
    else names.push(matches);
  }
  const accepts = (path: string): boolean => {
    const name = baseName(path);
    if (!rules.hidden && name.startsWith('.')) return false;
    return !names.some((matches) => matches(name)) && !paths.some((matches) => matches(path));
  };
  return {
    accepts,
    acceptsAll(path) {
      for (let part = path; part !== ''; part = parentOf(part)) if (!accepts(part)) return false;
      return true;
    },
  };
}

/** How an answer came about: for the log, and for whoever asks. Plain data. */
import type { Driver, Field } from './plan.js';

export interface Step {
  /**
   * The field of the criteria that was looked at, or what whoever asks may see; last the page was taken from what was
   * left.
   */
  readonly step: Field | 'access' | 'page';
  /** Files before it and after it. */
  readonly before: number;
  readonly after: number;
  /** Work, without the time in which others had their turns. */
  readonly ms?: number;
}

export interface Explanation {
  readonly driver: Driver;
  /** All that can be searched. */
  readonly files: number;
  /** Files that the driver named. */
  readonly candidates: number;
  readonly matches: number;
  /** In their order. */
  readonly steps: readonly Step[];
}

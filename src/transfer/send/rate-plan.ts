/** How fast we send at which time of the day. Pure. */

/** Bytes a second; what is left out is not bounded. */
export interface Rates {
  readonly bytesPerSecond?: number | undefined;
  readonly bytesPerSecondPerPeer?: number | undefined;
}

/** Minutes since midnight, local time. One that ends before it begins goes over midnight; an empty one is the whole day. */
export interface RatePeriod extends Rates {
  readonly from: number;
  readonly to: number;
}

export interface RatePlan extends Rates {
  /** Each in place of what holds otherwise; the first that fits counts. */
  readonly times: readonly RatePeriod[];
}

const MINUTES_A_DAY = 24 * 60;

/** What holds at a time in milliseconds since 1970. */
export function ratesAt(plan: RatePlan, nowMs: number): Rates {
  const now = new Date(nowMs);
  const minute = now.getHours() * 60 + now.getMinutes();
  return plan.times.find((each) => isIn(each, minute)) ?? plan;
}

function isIn({ from, to }: RatePeriod, minute: number): boolean {
  const length = (to - from + MINUTES_A_DAY) % MINUTES_A_DAY || MINUTES_A_DAY;
  return (minute - from + MINUTES_A_DAY) % MINUTES_A_DAY < length;
}

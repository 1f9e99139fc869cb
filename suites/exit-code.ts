// Exit codes, as Jepsen's: 0 valid, 1 invalid, 2 unknown, 254 bad usage, 255 crash. Of several runs the
// worst decides: invalid, then crashed, then what is no history, then unknown.
// Source: jepsen.cli

import type { Valid } from "../checker/verdict.js";

export const EXIT_USAGE = 254;
export const EXIT_CRASH = 255;

/** What became of one run or one file. */
export type Ending = Valid | "crashed" | "unusable";

const BEST_TO_WORST: readonly Ending[] = [true, "unknown", "unusable", "crashed", false];
const CODES = new Map<Ending, number>([
  [true, 0],
  [false, 1],
  ["unknown", 2],
  ["unusable", EXIT_USAGE],
  ["crashed", EXIT_CRASH],
]);

/** Of nothing: true. */
export function worstOf(endings: readonly Ending[]): Ending {
  const rank = (ending: Ending) => BEST_TO_WORST.indexOf(ending);
  return endings.reduce((worst, ending) => (rank(ending) > rank(worst) ? ending : worst), true);
}

export function exitCodeOf(ending: Ending): number {
  return CODES.get(ending) ?? EXIT_CRASH;
}

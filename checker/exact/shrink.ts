// The smallest part of a refuted history that still fails, as far as that is cheap to find. What is
// left out could not have saved it: reads only ask more, and of everything else it was shown that the
// rest fails whether that happened, within its window, or not.

import { NO_RETURN, type Problem } from "./problem.js";
import { ExactSearch, type SearchLimits } from "./search.js";

/** Of all searches that make one history smaller. */
const STEPS_MAX = 2_000_000;
const BYTES_MAX = 1 << 28;
/** So that a long history, which takes long to copy, is tried a few times only. */
const OPERATIONS_MAX = 20_000_000;

/**
 * `blocked` could not be placed in `problem`. Returns the positions of what still fails, in order of
 * call, `blocked` among them; all that was called before `blocked` returned, where nothing better is
 * found in time.
 */
export function smallestRefutation(
  problem: Problem,
  blocked: number,
  isTimeOver: () => boolean = () => false,
): number[] {
  const end = problem.ret[blocked] ?? 0;
  const candidates: number[] = [];
  for (let op = 0; op < problem.call.length; op += 1) {
    if ((problem.call[op] ?? 0) < end) candidates.push(op);
  }
  const budget = { steps: STEPS_MAX, operations: OPERATIONS_MAX };
  const weakened = new Set<number>();
  const fails = (without: readonly number[]): boolean => {
    const skipped = new Set([...weakened, ...without]);
    budget.operations -= candidates.length;
    if (budget.steps <= 0 || budget.operations <= 0 || isTimeOver()) return false;
    const limits: SearchLimits = { steps: budget.steps, bytes: BYTES_MAX, isTimeOver };
    const result = new ExactSearch(weaken(problem, candidates, skipped, end)).run(limits);
    budget.steps -= result.steps;
    return result.found === false;
  };
  const isRead = (op: number) => problem.readOnly[problem.kind[op] ?? 0] === 1;
  const isOver = (op: number) => (problem.ret[op] ?? 0) <= end;
  const others = candidates.filter((op) => op !== blocked && isOver(op));
  // Latest first: what decides is near the end.
  for (const group of [others.filter(isRead), others.filter((op) => !isRead(op))]) {
    leaveOut(group.reverse(), weakened, fails);
  }
  return candidates.filter((op) => op === blocked || (isOver(op) && !weakened.has(op)));
}

/** Adds to `weakened` what can be left out: halves first, then ever smaller pieces. */
function leaveOut(
  group: readonly number[],
  weakened: Set<number>,
  fails: (without: readonly number[]) => boolean,
): void {
  let left = group;
  for (let size = left.length; size >= 1; size = Math.floor(size / 2)) {
    const kept: number[] = [];
    for (let start = 0; start < left.length; start += size) {
      const piece = left.slice(start, start + size);
      if (fails(piece)) for (const op of piece) weakened.add(op);
      else kept.push(...piece);
    }
    left = kept;
  }
}

/** The part of the problem up to a rank: reads among `skipped` are gone, the rest may be skipped. */
function weaken(
  problem: Problem,
  candidates: readonly number[],
  skipped: ReadonlySet<number>,
  end: number,
): Problem {
  const { kind, call, ret, readOnly, operations } = problem;
  const isGone = (op: number) =>
    readOnly[kind[op] ?? 0] === 1 && (skipped.has(op) || (ret[op] ?? 0) > end);
  const rest = candidates.filter((op) => !isGone(op));
  const places = new Map(rest.map((op, place) => [op, place]));
  const over = problem.returns.filter((op) => places.has(op) && (ret[op] ?? 0) <= end);
  return {
    ...problem,
    operations: rest.flatMap((op) => operations[op] ?? []),
    kind: Int32Array.from(rest, (op) => kind[op] ?? 0),
    call: Int32Array.from(rest, (op) => call[op] ?? 0),
    ret: Int32Array.from(rest, (op) => ((ret[op] ?? 0) > end ? NO_RETURN : (ret[op] ?? 0))),
    returns: over.map((op) => places.get(op) ?? 0),
    skippable: Uint8Array.from(rest, (op) => (skipped.has(op) ? 1 : 0)),
  };
}

// Whether a model could have answered as a history says it did: every part by itself, with budgets that
// grow, so that a hard part does not hide the easy contradiction of another.

import assert from "node:assert/strict";
import { int } from "../columns.js";
import { NO_RETURN, type Problem } from "./problem.js";
import { type Cause, ExactSearch, type SearchLimits } from "./search.js";

export type Linearization =
  | { valid: true; steps: number; parts: number }
  | { valid: false; steps: number; parts: number; refuted: Refutation }
  /** What remains is neither proved nor refuted, each part with what stopped it. */
  | { valid: "unknown"; cause: Cause; steps: number; parts: number; open: readonly Problem[] };

export type Refutation = {
  problem: Problem;
  /** Position in the problem: no order has room for it in time. */
  blocked: number;
  /** Positions in an order that goes as far as any; found when it is asked for. */
  longest: () => Int32Array;
};

const FIRST_STEPS = 1 << 15;
const GROWTH = 8;

/** `limits.steps` are for all parts together; bytes are for each, as no two are searched at once. */
export function solve(problems: readonly Problem[], limits: SearchLimits): Linearization {
  const parts = problems.length;
  const givenUp: { problem: Problem; cause: Cause }[] = [];
  let steps = 0;
  let open = problems;
  for (let allowance = FIRST_STEPS; open.length > 0; allowance *= GROWTH) {
    const still: Problem[] = [];
    for (const problem of open) {
      const allowed = Math.min(allowance, limits.steps - steps);
      const search = new ExactSearch(problem);
      const within = { ...limits, steps: allowed };
      const result = search.run(within);
      steps += result.steps;
      if (result.found === true) {
        proveOrder(problem, result.order);
      } else if (result.found === false) {
        const longest = () => search.longest(within);
        return {
          valid: false,
          steps,
          parts,
          refuted: { problem, blocked: result.blocked, longest },
        };
      } else if (result.cause === "steps" && allowed === allowance) {
        still.push(problem);
      } else {
        givenUp.push({ problem, cause: result.cause });
      }
    }
    open = still;
  }
  const [first] = givenUp;
  if (first === undefined) return { valid: true, steps, parts };
  const { cause } = first;
  return { valid: "unknown", cause, steps, parts, open: givenUp.map(({ problem }) => problem) };
}

/** A pass is only ever an order that the model itself has performed, and that respects real time. */
function proveOrder({ model, kind, calls, call, ret }: Problem, order: Int32Array): void {
  const isPlaced = new Uint8Array(kind.length);
  let state: unknown = model.init;
  let latestCall = -1;
  for (let at = 0; at < order.length; at += 1) {
    const op = int(order, at);
    const of = calls[int(kind, op)];
    if (of === undefined || isPlaced[op] !== 0) disproved(op, "is placed twice, or unknown");
    isPlaced[op] = 1;
    latestCall = Math.max(latestCall, int(call, op));
    if (int(ret, op) <= latestCall) disproved(op, "was over before one that precedes it began");
    state = model.step(state, of);
    if (state === undefined) disproved(op, "is not legal where the order puts it");
  }
  for (let op = 0; op < ret.length; op += 1) {
    if (ret[op] !== NO_RETURN && isPlaced[op] === 0) disproved(op, "returned and has no place");
  }
}

function disproved(op: number, why: string): never {
  assert.fail(`operation ${op} ${why}`);
}

// Why no order exists, for people: the operation that cannot be placed, what was going on meanwhile,
// the longest legal order and what cannot follow it.

import { type Call, describeCall, describeValue, type Model } from "../models/model.js";
import type { Operation } from "../operations.js";
import type { Refutation } from "./linearize.js";
import { NO_RETURN, type Problem } from "./problem.js";

const LISTED_MAX = 8;
const ORDER_SHOWN = 6;

/** `longest`: positions of an order that goes as far as any; `kept`: of the smallest part that fails. */
export function explainRefutation(
  { problem, blocked }: Refutation,
  longest: Int32Array,
  kept: readonly number[],
): string[] {
  const states = replay(problem, longest);
  const state = states.at(-1);
  return [
    `${operationLine(problem, blocked)} cannot be placed anywhere in its window`,
    ...concurrent(problem, blocked),
    ...orderLines(problem, longest, states),
    `then not: ${what(problem, blocked)}, as ${describeState(problem.model, state)}`,
    ...alternatives(problem, longest, blocked, state),
    `${kept.length} operations alone already fail:`,
    ...listed(kept.map((op) => `  ${operationLine(problem, op)}`)),
  ];
}

/** One sentence. */
export function refutationSummary({ problem, blocked }: Refutation, placed: number): string {
  const { part } = problem;
  const where = part === undefined ? "" : ` of ${describeValue(part)}`;
  return (
    `no order of the ${problem.kind.length} operations${where} is legal: ${what(problem, blocked)} ` +
    `(process ${problem.operations[blocked]?.process}) fits nowhere; at most ${placed} can be placed`
  );
}

function replay({ model, kind, calls }: Problem, order: Int32Array): unknown[] {
  const states: unknown[] = [model.init];
  for (const op of order) {
    const call = calls[kind[op] ?? -1];
    states.push(call === undefined ? undefined : model.step(states.at(-1), call));
  }
  return states;
}

function orderLines(problem: Problem, order: Int32Array, states: readonly unknown[]): string[] {
  const from = Math.max(0, order.length - ORDER_SHOWN);
  const shown = [...order.subarray(from)].map((op, index) => {
    const after = describeState(problem.model, states[from + index + 1]);
    return `  ${what(problem, op)} (process ${problem.operations[op]?.process}): ${after}`;
  });
  const before =
    from > 0 ? `after ${from} others` : describeState(problem.model, problem.model.init);
  return [`the longest legal order has ${order.length} of them; ${before}:`, ...shown];
}

function concurrent(problem: Problem, blocked: number): string[] {
  const { call, ret } = problem;
  const lines: string[] = [];
  for (let op = 0; op < call.length; op += 1) {
    const overlaps = (call[op] ?? 0) < (ret[blocked] ?? 0) && (ret[op] ?? 0) > (call[blocked] ?? 0);
    if (op !== blocked && overlaps) lines.push(`  ${operationLine(problem, op)}`);
  }
  if (lines.length === 0) return ["nothing was concurrent with it"];
  return ["concurrent with it:", ...listed(lines)];
}

/** What else could have come next, and why that does not help. */
function alternatives(
  problem: Problem,
  longest: Int32Array,
  blocked: number,
  state: unknown,
): string[] {
  const placed = new Set(longest);
  const limit = problem.ret[blocked] ?? 0;
  const lines: string[] = [];
  for (let op = 0; op < problem.call.length; op += 1) {
    if (placed.has(op) || op === blocked || (problem.call[op] ?? 0) >= limit) continue;
    const call = problem.calls[problem.kind[op] ?? -1];
    if (call === undefined) continue;
    const isLegal = problem.model.step(state, call) !== undefined;
    const why = isLegal ? "legal, but nothing that follows it helps" : "not legal here either";
    lines.push(`  ${what(problem, op)} (process ${problem.operations[op]?.process}): ${why}`);
  }
  return lines.length === 0 ? [] : ["what else could come next:", ...listed(lines)];
}

function listed(lines: readonly string[]): string[] {
  if (lines.length <= LISTED_MAX) return [...lines];
  const more = lines.length - LISTED_MAX;
  return [...lines.slice(0, LISTED_MAX), `  and ${more} more`];
}

function operationLine(problem: Problem, op: number): string {
  const operation = problem.operations[op];
  const { ret } = problem;
  const from = `op ${operation?.invocation.index}`;
  const to = ret[op] === NO_RETURN ? "never answered" : `op ${operation?.completion?.index}`;
  return `process ${operation?.process}: ${what(problem, op)} (${from} to ${to})`;
}

function what({ model, calls, kind }: Problem, op: number): string {
  const call: Call | undefined = calls[kind[op] ?? -1];
  if (call === undefined) return "?";
  const text = model.describe?.(call) ?? describeCall(call);
  return call.outcome === "info" ? `${text} (unknown outcome)` : text;
}

function describeState(model: Model, state: unknown): string {
  return model.describeState?.(state) ?? `the state is ${describeValue(state)}`;
}

/** The ops of these operations alone, in order, numbered anew; `part` names the rest of the history. */
export function minimalOperations(problem: Problem, kept: readonly number[]): Operation[] {
  return kept.flatMap((op) => problem.operations[op] ?? []);
}

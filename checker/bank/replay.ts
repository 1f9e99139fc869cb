// The last word on every pass: an explicit order, performed from an empty bank, one by one.

import { answers, type Bank, perform, refuses } from "./model.js";
import type { SearchOp } from "./search.js";

/**
 * Undefined where `order` (positions in `ops`) holds every operation that is not optional once,
 * respects real time, and gives every answer that was observed; otherwise what is wrong with it.
 */
export function replay(ops: readonly SearchOp[], order: readonly number[]): string | undefined {
  const bank: Bank = new Map();
  const placed = new Set<number>();
  let callLatest = -1;
  for (const position of order) {
    const op = ops[position];
    if (op === undefined || placed.has(position)) return `position ${position} is not one to place`;
    placed.add(position);
    if (op.ret < callLatest) return `operation ${position} was over before one placed ahead of it`;
    callLatest = Math.max(callLatest, op.call);
    if (!accepts(bank, op)) return `operation ${position} does not get its answer`;
  }
  const missing = ops.findIndex((op, position) => !op.optional && !placed.has(position));
  return missing < 0 ? undefined : `operation ${missing} is not in the order`;
}

function accepts(bank: Bank, { operation, answer }: SearchOp): boolean {
  if (answer?.kind === "refused") return refuses(bank, operation, answer.refusal);
  return perform(bank, operation) && (answer === undefined || answers(bank, operation, answer));
}

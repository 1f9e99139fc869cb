// The slow and obvious twin of the exact search: every order that respects real time is tried.

import type { Call, Model } from "../../models/model.js";
import type { Operation } from "../../operations.js";

/** Whether some order exists. Exponential: for a handful of operations. */
export function someOrderExists(operations: readonly Operation[], model: Model): boolean {
  const asked = operations.flatMap((operation) => {
    const { f, value, outcome, completion } = operation;
    const answer = outcome === "ok" ? (completion?.value ?? value) : value;
    const call: Call = { f, value: answer, outcome };
    const counts = model.counts?.(call) ?? outcome !== "fail";
    return counts ? [{ operation, call }] : [];
  });
  const keys = new Set(asked.map(({ call }) => model.partition?.(call)));
  return [...keys].every((key) =>
    extend(
      asked.filter(({ call }) => model.partition?.(call) === key),
      model.init,
      model,
    ),
  );
}

type Asked = { operation: Operation; call: Call };

function extend(left: readonly Asked[], state: unknown, model: Model): boolean {
  if (left.every(({ operation }) => operation.outcome === "info")) return true;
  return left.some((next) => {
    const isTooEarly = left.some(
      ({ operation: other }) => other.outcome !== "info" && other.ret < next.operation.call,
    );
    if (isTooEarly) return false;
    const after = model.step(state, next.call);
    if (after === undefined) return false;
    return extend(
      left.filter((other) => other !== next),
      after,
      model,
    );
  });
}

// Histories made worse, for tests: each step changes one thing that a broken cluster might get wrong.
// What comes out may still be right by chance; the brute-force twin says whether it is.

import type { HistoryOp } from "../../history.js";

/** Applies `steps` random changes to a copy. `random` draws from 0..1. */
export function corrupt(
  history: readonly HistoryOp[],
  steps: number,
  random: () => number,
): HistoryOp[] {
  let corrupted = history.map((op) => ({ ...op }));
  for (let step = 0; step < steps; step++) corrupted = corruptOnce(corrupted, random);
  return corrupted;
}

function corruptOnce(history: HistoryOp[], random: () => number): HistoryOp[] {
  const completions = history.filter(({ type }) => type === "ok" || type === "fail");
  const op = completions[Math.floor(random() * completions.length)];
  if (op === undefined) return history;
  switch (Math.floor(random() * 6)) {
    case 0:
      return replace(history, op, { ...op, value: shifted(op.value, random) });
    case 1:
      return replace(history, op, info(op));
    case 2:
      return replace(history, op, refused(op, random));
    case 3:
      return earlier(history, op, random);
    case 4: {
      const other = completions[Math.floor(random() * completions.length)];
      return replace(history, op, seqOf(op, other?.seq));
    }
    default: {
      const { seq: _, ...without } = op;
      return replace(history, op, op.type === "fail" ? op : without);
    }
  }
}

function replace(history: HistoryOp[], op: HistoryOp, by: HistoryOp): HistoryOp[] {
  return history.map((other) => (other === op ? by : other));
}

/** One number of the answer a little off. */
function shifted(value: unknown, random: () => number): unknown {
  if (typeof value !== "object" || value === null) return value;
  const keys = Object.keys(value).filter((key) => /alance|amounts|Count/.test(key));
  const chosen = keys[Math.floor(random() * keys.length)];
  const by = Math.floor(random() * 7) - 3;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => {
      if (key !== chosen) return [key, field];
      if (Array.isArray(field)) return [key, random() < 0.5 ? field.toReversed() : field.slice(1)];
      return [key, Number(field) + by];
    }),
  );
}

function info({ index, time, process, f, value, client, timestamp }: HistoryOp): HistoryOp {
  return {
    index,
    time,
    type: "info",
    process,
    f,
    value,
    ...(client === undefined ? {} : { client }),
    ...(timestamp === undefined ? {} : { timestamp }),
  };
}

function refused(op: HistoryOp, random: () => number): HistoryOp {
  const error = ["insufficient-funds", "no-such-account", "account-exists"][
    Math.floor(random() * 3)
  ];
  return error === undefined ? op : { ...op, type: "fail", error };
}

function seqOf(op: HistoryOp, seq: number | undefined): HistoryOp {
  return seq === undefined ? op : { ...op, seq };
}

/** The completion returns sooner, so that its operation precedes more of the others. */
function earlier(history: HistoryOp[], op: HistoryOp, random: () => number): HistoryOp[] {
  const invocation = history.findLastIndex(
    ({ process, type, index }) =>
      process === op.process && type === "invoke" && index < history.indexOf(op),
  );
  const to = invocation + 1 + Math.floor(random() * (history.indexOf(op) - invocation));
  const moved = history.filter((other) => other !== op);
  moved.splice(to, 0, op);
  return moved.map((other, index) => ({ ...other, index, time: index }));
}

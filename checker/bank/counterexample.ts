// A refuted part of a history as a history of its own, which anybody can check again. What was over
// before it is summed up: each account is opened, and given what it certainly had.

import type { HistoryOp } from "../history.js";
import type { BankOp } from "./bank-history.js";
import type { BankOperation } from "./bank-operation.js";
import { type Part, settledBank } from "./shrink.js";

type Event = Omit<HistoryOp, "index"> & { rank: number };

/** Empty where the part's beginning cannot be summed up. Seqs are left out: nobody's claim is needed. */
export function counterexample(part: Part): HistoryOp[] {
  const bank = settledBank(part);
  if (bank === undefined) return [];
  const end = part.blocked.ret;
  const events = part.ops.flatMap((op) => eventsOf(op, end)).sort((a, b) => a.rank - b.rank);
  const process = 1 + Math.max(0, ...part.ops.map(({ source }) => source.process));
  const opening = [...bank].flatMap(([account, { balance }]) => openingOf(account, balance));
  const start = events[0]?.time ?? 0;
  const shift = Math.max(0, opening.length - start);
  const summed = opening.map((event, index) => {
    return { ...event, process, time: start + shift - opening.length + index };
  });
  const real = events.map(({ rank: _, ...event }) => ({ ...event, time: event.time + shift }));
  return [...summed, ...real].map((event, index) => ({ index, ...event }));
}

type Opening = Omit<HistoryOp, "index" | "time" | "process">;

function openingOf(account: string, balance: number): Opening[] {
  const opened = { account, name: "", address: "" };
  const events: Opening[] = [
    { type: "invoke", f: "open", value: opened },
    { type: "ok", f: "open", value: opened },
  ];
  if (balance === 0) return events;
  const deposited = { account, amount: balance };
  return events.concat(
    { type: "invoke", f: "deposit", value: deposited },
    { type: "ok", f: "deposit", value: { ...deposited, balance } },
  );
}

/** Its invocation, and its completion unless that came after `end`. */
function eventsOf(op: BankOp, end: number): Event[] {
  const { source, operation, answer, call, ret } = op;
  const { process, f: _, invocation, completion } = source;
  const value = askedOf(operation);
  const f = operation.kind === "malformed" ? source.f : operation.kind;
  const invoked: Event = { rank: call, time: invocation.time, type: "invoke", process, f, value };
  if (completion === undefined || ret > end || answer === undefined) return [invoked];
  const done = { rank: ret, time: completion.time, process, f };
  if (answer.kind === "refused") {
    const seq = source.seq === undefined ? {} : { seq: source.seq };
    return [invoked, { ...done, type: "fail", value, error: answer.refusal, ...seq }];
  }
  const { kind: _kind, balance, toBalance, ...shown } = answer;
  const said =
    operation.kind === "move" ? { fromBalance: balance, toBalance } : { balance, ...shown };
  const named = Object.entries(said).filter(([, field]) => field !== undefined);
  return [invoked, { ...done, type: "ok", value: { ...value, ...Object.fromEntries(named) } }];
}

function askedOf(operation: BankOperation): Readonly<Record<string, unknown>> {
  const { kind, ...fields } = operation;
  return kind === "open" ? { ...fields, name: "", address: "" } : fields;
}

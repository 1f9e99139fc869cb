// Histories of transactions in a few lines of text. One transaction a line:
//
//   p0 0-1: x+1 y=[1 2]       append 1 to x, read y as a list; ok
//   p1 2-3 fail: x+2          it failed
//   p1 4- info: x+3           nobody knows how it ended
//   x:=1 y=nil                write 1 to register x, read y as nil; a line without a process is
//                             concurrent with all others, on a process of its own

import type { MicroOp, Transaction } from "../transactions.js";

const LINE = /^(?:p(\d+) (\d+)-(\d*) ?)?(ok|fail|info)?:? ?(.*)$/;
const TOKEN = /(\w+)(\+|:=|=)(\[[^\]]*\]|\S+)/g;

type Event = { line: number; time: number; isReturn: boolean };

export function transactionsFrom(text: string): Transaction[] {
  const lines = text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");
  const events: Event[] = [];
  const parsed = lines.map((line, position) => {
    const [, process, call, ret, outcome = "ok", rest = ""] = LINE.exec(line) ?? [];
    const calledAt = call === undefined ? 0 : Number(call);
    events.push({ line: position, time: calledAt, isReturn: false });
    const returnsAt = ret === undefined || ret === "" ? 1e9 : Number(ret);
    events.push({ line: position, time: returnsAt, isReturn: true });
    const number = process === undefined ? 1_000 + position : Number(process);
    return { process: number, outcome: outcomeOf(outcome), microOps: microOpsOf(rest) };
  });
  const ranks = new Map<string, number>();
  events.sort((a, b) => a.time - b.time || Number(a.isReturn) - Number(b.isReturn));
  for (const [rank, { line, isReturn }] of events.entries()) ranks.set(`${line} ${isReturn}`, rank);
  return parsed.map((transaction, line) => ({
    ...transaction,
    index: line,
    call: ranks.get(`${line} false`) ?? 0,
    ret: ranks.get(`${line} true`) ?? 0,
  }));
}

function outcomeOf(text: string): Transaction["outcome"] {
  return text === "fail" || text === "info" ? text : "ok";
}

function microOpsOf(text: string): MicroOp[] {
  return [...text.matchAll(TOKEN)].map(([, key = "", sign = "", value = ""]): MicroOp => {
    if (sign === "+") return ["append", key, Number(value)];
    if (sign === ":=") return ["w", key, Number(value)];
    if (!value.startsWith("[")) return ["r", key, value === "nil" ? null : Number(value)];
    const elements = value.slice(1, -1).split(" ");
    return ["r", key, elements.filter((each) => each !== "").map(Number)];
  });
}

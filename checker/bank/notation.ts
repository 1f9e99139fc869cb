// Runs in a few lines of text, for tests. One operation a line:
//
//   p0 0-10 deposit A 100 -> 100 @2        ok, balance 100, executed at seq 2
//   p1 5-9 move A B 30 -> 70 30 @3         ok, balances of A and B
//   p1 5-9 statement A 2 -> 70 3 [5,-30]   ok, balance, entry count, amounts; no seq told
//   p2 5-9 withdraw A 500 -> !insufficient-funds @4   refused
//   p2 5-9 deposit A 5 -> failed           fail, never sent
//   p3 5-9 deposit A 5 -> ? @6             info, and the cluster executed it at seq 6
//   p3 5-9 deposit A 5 -> ?                info, and it did not
//   p3 5 deposit A 5 -> ?                  the same, and the history ends without a completion
//
// Times are nanoseconds. Session ids and timestamps are made up, one session a process.

import type { HistoryOp } from "../history.js";
import type { LedgerDump, LedgerEntry, RunRecord } from "../run-record.js";
import { CASH } from "./ledger-replay.js";

type Line = {
  process: number;
  start: number;
  end: number | undefined;
  f: string;
  asked: Readonly<Record<string, unknown>>;
  type: "ok" | "fail" | "info";
  answered: Readonly<Record<string, unknown>>;
  error: string | undefined;
  seq: number | undefined;
  client: number;
  timestamp: number;
};

const LINE = /^p(\d+) (\d+)(?:-(\d+))? (\w+) (.*?) ?-> (.*?)(?: @(\d+))?$/;

/** The run, with four equal ledgers that hold what the text says was executed. */
export function runOf(text: string): RunRecord {
  const lines = linesOf(text);
  const ledgers = ["r0", "r1", "r2", "r3"].map((node) => dumpOf(node, lines));
  return {
    history: historyOf(lines),
    faults: [],
    ledgers,
    correctReplicas: ledgers.map(({ node }) => node),
    quiescence: { reached: true, detail: "made up" },
    expectedFaults: [],
  };
}

export function historyFrom(text: string): HistoryOp[] {
  return historyOf(linesOf(text));
}

function linesOf(text: string): Line[] {
  const sent = new Map<number, number>();
  return text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "")
    .map((line) => {
      const [, process, start, end, f = "", args = "", reply = "", seq] = LINE.exec(line) ?? [];
      if (process === undefined) throw new Error(`not in the notation: ${line}`);
      const timestamp = (sent.get(Number(process)) ?? 0) + 1;
      sent.set(Number(process), timestamp);
      return {
        process: Number(process),
        start: Number(start),
        end: end === undefined ? undefined : Number(end),
        f,
        asked: askedOf(f, args.split(" ")),
        ...replyOf(f, reply),
        seq: seq === undefined ? undefined : Number(seq),
        client: 256 * 65536 + Number(process),
        timestamp,
      };
    });
}

function askedOf(f: string, [first, second, third]: readonly string[]): Line["asked"] {
  if (f === "open") return { account: first, name: `Name ${first}`, address: "Street" };
  if (f === "move") return { from: first, to: second, amount: Number(third) };
  if (f === "balance") return { account: first };
  return { account: first, [f === "statement" ? "limit" : "amount"]: Number(second) };
}

function replyOf(f: string, reply: string): Pick<Line, "type" | "answered" | "error"> {
  const nothing = { answered: {}, error: undefined };
  if (reply === "?") return { type: "info", answered: {}, error: "timeout" };
  if (reply === "failed") return { type: "fail", answered: {}, error: "not-sent" };
  if (reply.startsWith("!")) return { type: "fail", answered: {}, error: reply.slice(1) };
  if (f === "open") return { type: "ok", ...nothing };
  const [first, second, third] = reply.split(" ");
  const balance = Number(first);
  if (f === "move") {
    return {
      type: "ok",
      error: undefined,
      answered: { fromBalance: balance, toBalance: Number(second) },
    };
  }
  if (f !== "statement") return { type: "ok", error: undefined, answered: { balance } };
  const amounts: unknown = JSON.parse(third ?? "[]");
  return {
    type: "ok",
    error: undefined,
    answered: { balance, entryCount: Number(second), amounts },
  };
}

function historyOf(lines: readonly Line[]): HistoryOp[] {
  const events = lines.flatMap((line): Omit<HistoryOp, "index">[] => {
    const { process, start, end, f, asked, type, answered, error, seq, client, timestamp } = line;
    const node = `c${process % 2}`;
    const invoke = { time: start, type: "invoke" as const, process, f, value: asked, node, client };
    if (end === undefined) return [invoke];
    const told = type === "info" || seq === undefined ? {} : { seq };
    const value = type === "ok" ? { ...asked, ...answered } : asked;
    const reason = error === undefined ? {} : { error };
    return [
      invoke,
      { time: end, type, process, f, value, ...reason, node, ...told, client, timestamp },
    ];
  });
  const late = (event: Omit<HistoryOp, "index">) => (event.type === "invoke" ? 0 : 1);
  return events
    .sort((a, b) => a.time - b.time || late(a) - late(b))
    .map((event, index) => ({ index, ...event }));
}

function dumpOf(node: string, lines: readonly Line[]): LedgerDump {
  const executed = lines
    .filter(({ type, seq, f }) => type !== "fail" && seq !== undefined && f !== "balance")
    .filter(({ f }) => f !== "statement")
    .sort((a, b) => Number(a.seq) - Number(b.seq));
  const entries = executed.map((line, index) => entryOf(line, index));
  const balances = new Map<string, number>();
  for (const { debit, credit, amount } of entries) {
    balances.set(debit, (balances.get(debit) ?? 0) - amount);
    balances.set(credit, (balances.get(credit) ?? 0) + amount);
  }
  const seq = Math.max(0, ...lines.map((line) => line.seq ?? 0));
  return {
    node,
    seq,
    digest: `digest ${seq}`,
    chain: `chain ${entries.length}`,
    accounts: [...balances].map(([id, balance]) => ({
      id,
      name: id === CASH ? "" : `Name ${id}`,
      address: id === CASH ? "" : "Street",
      balance,
    })),
    entries,
    sessions: sessionsOf(lines),
  };
}

function entryOf({ f, asked, seq, client, timestamp }: Line, index: number): LedgerEntry {
  const account = String(asked["account"]);
  const kind = f === "open" || f === "deposit" || f === "withdraw" ? f : "move";
  const debit = { open: CASH, deposit: CASH, withdraw: account, move: String(asked["from"]) }[kind];
  const credit = { open: account, deposit: account, withdraw: CASH, move: String(asked["to"]) }[
    kind
  ];
  const amount = Number(asked["amount"] ?? 0);
  return { index, seq: Number(seq), client, timestamp, kind, debit, credit, amount };
}

function sessionsOf(lines: readonly Line[]): LedgerDump["sessions"] {
  const sessions = new Map<number, LedgerDump["sessions"][number]>();
  for (const { client, timestamp, seq } of lines) {
    if (seq === undefined) continue;
    sessions.set(client, { client, timestamp, seq, resultDigest: `result ${timestamp}` });
  }
  return [...sessions.values()];
}

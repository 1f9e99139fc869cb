// The history of a run, in Jepsen's shape: one operation event a line, invocations and completions.
// Source: jepsen.history; https://jepsen-io.github.io/history

export type OpType = "invoke" | "ok" | "fail" | "info";

/**
 * One event. `process` is a client's number (a crashed process gets a new one) or "nemesis".
 * Values of the bank's operations (invoke; an ok completion has the same fields and those after +):
 *   open {account, name, address} · deposit {account, amount} + balance
 *   withdraw {account, amount} + balance · move {from, to, amount} + fromBalance, toBalance
 *   balance {account} + balance
 *   statement {account, limit 1..64} + balance, entryCount, amounts (signed, oldest first, the
 *     newest `limit` of them)
 * `fail` claims that the operation had no effect: refused by the ledger (`error` is the refusal:
 * "no-such-account", "account-exists", "insufficient-funds", "overflow", "same-account",
 * "bad-amount", "bad-operation"; `seq` is then known), or never sent. `info` is: not known.
 */
export type HistoryOp = {
  /** Position in the history, from 0. */
  index: number;
  /** Nanoseconds since the start of the run. */
  time: number;
  type: OpType;
  process: number | "nemesis";
  f: string;
  value: unknown;
  error?: string;
  /** The client process that carried it, e.g. "c0"; for nemesis events absent. */
  node?: string;
  /** Seq at which the ledger executed it, where a reply said so. */
  seq?: number;
  /** The request's identity, as ledger entries carry it: client session id and timestamp. */
  client?: number;
  timestamp?: number;
};

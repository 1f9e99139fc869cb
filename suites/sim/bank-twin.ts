// A second bank, slow and obvious, beside the ledger under test. It executes every batch once, from the
// rules as checker/history.ts words them, in integers without bounds, and says what a correct ledger
// must have answered and must hold behind each seq. All replicas are held to it, batch after batch.

import type { ClientId, Request, Seq } from "../../node/core/messages.js";
import type { Execution } from "../../node/core/state-machine.js";
import { decodeOperation, type Operation } from "../../node/ledger/operation.js";
import { decodeResult, encodeResult, type Refusal, type Result } from "../../node/ledger/result.js";

/** The rows of a ledger that the twin compares with: ids and balances. */
export type Rows = readonly { id: string; balance: number }[];

type Account = { balance: bigint; amounts: bigint[] };

/** What became of a request; `answer` is the encoded result of an execution. */
type Outcome = { kind: Execution["kind"]; answer?: Uint8Array };

/** Behind one seq. */
type Expected = {
  outcomes: readonly Outcome[];
  /** Accounts that the batch named, and what they hold behind it. */
  touched: ReadonlyMap<string, bigint>;
  /** All deposits so far less all withdrawals. */
  total: bigint;
};

const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);

export class BankTwin {
  readonly #accounts = new Map<string, Account>();
  /** Timestamp of each session's last request. */
  readonly #sessions = new Map<ClientId, number>();
  readonly #behind = new Map<Seq, Expected>();
  #seq: Seq = 0;
  #deposits = 0n;
  #withdrawals = 0n;

  /**
   * What is wrong with how a replica executed this batch, or with what it holds behind it; undefined
   * where nothing is. A batch that comes before the one in front of it is not judged.
   */
  problemWith(
    seq: Seq,
    requests: readonly Request[],
    executions: readonly Execution[],
    rowsOf: (ids?: readonly string[]) => Rows,
  ): string | undefined {
    if (seq === this.#seq + 1) this.#execute(seq, requests);
    const expected = this.#behind.get(seq);
    if (expected === undefined) return undefined;
    for (const [index, outcome] of expected.outcomes.entries()) {
      const problem = outcomeProblem(outcome, executions[index], seq);
      if (problem === undefined) continue;
      const { client, timestamp } = requests[index] ?? { client: 0, timestamp: 0 };
      return `executed request ${timestamp} of client ${client} at seq ${seq} wrongly: ${problem}`;
    }
    for (const { id, balance } of rowsOf([...expected.touched.keys()])) {
      const held = expected.touched.get(id);
      if (held !== BigInt(balance)) return `has ${balance} on ${id} behind seq ${seq}, not ${held}`;
    }
    return this.totalProblem(seq, rowsOf());
  }

  /** Whether money was made or lost: the sum of all balances behind `seq`. */
  totalProblem(seq: Seq, rows: Rows): string | undefined {
    const expected = this.#behind.get(seq);
    if (expected === undefined) return undefined;
    const total = sumOf(rows);
    if (total === expected.total) return undefined;
    const paid = `deposits less withdrawals are ${expected.total}`;
    return `holds ${total} in all behind seq ${seq}, and ${paid}`;
  }

  #execute(seq: Seq, requests: readonly Request[]): void {
    const touched = new Set<string>();
    const outcomes = requests.map((request): Outcome => {
      const { client, timestamp } = request;
      const last = this.#sessions.get(client);
      if (last !== undefined && timestamp <= last) {
        return { kind: timestamp === last ? "repeated" : "stale" };
      }
      this.#sessions.set(client, timestamp);
      const operation = decodeOperation(request.operation);
      if (operation !== undefined) for (const id of accountsOf(operation)) touched.add(id);
      return { kind: "executed", answer: encodeResult(this.#answer(operation)) };
    });
    this.#seq = seq;
    this.#behind.set(seq, {
      outcomes,
      touched: new Map([...touched].map((id) => [id, this.#accounts.get(id)?.balance ?? 0n])),
      total: this.#deposits - this.#withdrawals,
    });
  }

  #answer(operation: Operation | undefined): Result {
    if (operation === undefined) return refused("bad-operation");
    switch (operation.kind) {
      case "open":
        if (this.#accounts.has(operation.account)) return refused("account-exists");
        this.#accounts.set(operation.account, { balance: 0n, amounts: [] });
        return { kind: "opened" };
      case "deposit":
        return this.#deposit(operation.account, operation.amount);
      case "withdraw":
        return this.#withdraw(operation.account, operation.amount);
      case "move":
        return this.#move(operation.from, operation.to, operation.amount);
      case "balance": {
        const account = this.#accounts.get(operation.account);
        return account === undefined ? refused("no-such-account") : balanceOf(account);
      }
      case "statement": {
        const account = this.#accounts.get(operation.account);
        if (account === undefined) return refused("no-such-account");
        const entryCount = account.amounts.length;
        const amounts = account.amounts.slice(-operation.limit).map(Number);
        return { kind: "statement", balance: Number(account.balance), entryCount, amounts };
      }
      default:
        return operation satisfies never;
    }
  }

  #deposit(id: string, amount: number): Result {
    if (!isAmount(amount)) return refused("bad-amount");
    const account = this.#accounts.get(id);
    if (account === undefined) return refused("no-such-account");
    const total = this.#deposits - this.#withdrawals + BigInt(amount);
    if (account.balance + BigInt(amount) > LARGEST || total > LARGEST) return refused("overflow");
    this.#deposits += BigInt(amount);
    post(account, BigInt(amount));
    return balanceOf(account);
  }

  #withdraw(id: string, amount: number): Result {
    if (!isAmount(amount)) return refused("bad-amount");
    const account = this.#accounts.get(id);
    if (account === undefined) return refused("no-such-account");
    if (account.balance < BigInt(amount)) return refused("insufficient-funds");
    this.#withdrawals += BigInt(amount);
    post(account, -BigInt(amount));
    return balanceOf(account);
  }

  #move(fromId: string, toId: string, amount: number): Result {
    if (!isAmount(amount)) return refused("bad-amount");
    if (fromId === toId) return refused("same-account");
    const from = this.#accounts.get(fromId);
    const to = this.#accounts.get(toId);
    if (from === undefined || to === undefined) return refused("no-such-account");
    if (from.balance < BigInt(amount)) return refused("insufficient-funds");
    if (to.balance + BigInt(amount) > LARGEST) return refused("overflow");
    post(from, -BigInt(amount));
    post(to, BigInt(amount));
    return { kind: "moved", fromBalance: Number(from.balance), toBalance: Number(to.balance) };
  }
}

/** Exact: numbers carry it as long as every sum on the way is a safe integer. */
function sumOf(rows: Rows): bigint {
  let sum = 0;
  for (const { balance } of rows) {
    sum += balance;
    if (!Number.isSafeInteger(sum)) {
      return rows.reduce((total, row) => total + BigInt(row.balance), 0n);
    }
  }
  return BigInt(sum);
}

function outcomeProblem(
  { kind, answer }: Outcome,
  execution: Execution | undefined,
  seq: Seq,
): string | undefined {
  if (execution?.kind !== kind) return `${execution?.kind ?? "nothing"}, where it is ${kind}`;
  if (answer === undefined || execution.kind === "stale") return undefined;
  const { reply } = execution;
  if (reply.seq !== seq) return `it answers for seq ${reply.seq}`;
  if (Buffer.compare(reply.result, answer) === 0) return undefined;
  return `it answers ${worded(reply.result)}, and ${worded(answer)} is right`;
}

function worded(result: Uint8Array): string {
  return JSON.stringify(decodeResult(result)) ?? "what is no result";
}

function accountsOf(operation: Operation): readonly string[] {
  return operation.kind === "move" ? [operation.from, operation.to] : [operation.account];
}

function post(account: Account, amount: bigint): void {
  account.balance += amount;
  account.amounts.push(amount);
}

function balanceOf({ balance }: Account): Result {
  return { kind: "balance", balance: Number(balance) };
}

function refused(refusal: Refusal): Result {
  return { kind: "refused", refusal };
}

function isAmount(amount: number): boolean {
  return Number.isSafeInteger(amount) && amount > 0;
}

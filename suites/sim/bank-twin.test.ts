import { test } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "../../nemesis/random.js";
import type { Request } from "../../node/core/messages.js";
import type { Execution } from "../../node/core/state-machine.js";
import { LedgerMachine } from "../../node/ledger/machine.js";
import { MemoryStore } from "../../node/ledger/memory-store.js";
import { encodeOperation, type Operation } from "../../node/ledger/operation.js";
import { BankTwin } from "./bank-twin.js";

const LARGEST = Number.MAX_SAFE_INTEGER;

function request(client: number, timestamp: number, operation: Uint8Array): Request {
  const none = { authenticator: new Uint8Array(64), signature: new Uint8Array(64) };
  return { kind: "request", client, timestamp, operation, ...none };
}

/** A ledger and its twin; what the twin has against how the ledger executed a batch. */
function pair() {
  const machine = new LedgerMachine(new MemoryStore());
  const twin = new BankTwin();
  const problem = (
    requests: readonly Request[],
    change: (executions: readonly Execution[]) => readonly Execution[] = (same) => same,
    rowsOf = (ids?: readonly string[]) => machine.accounts(ids),
  ) => {
    const executions = machine.apply(machine.seq + 1, requests);
    return twin.problemWith(machine.seq, requests, change(executions), rowsOf);
  };
  return { machine, twin, problem };
}

const OPEN: Operation = { kind: "open", account: "a", name: "", address: "" };

test("the ledger and its twin agree on whatever is asked, refused and repeated", () => {
  const random = createRandom(7);
  const { problem } = pair();
  const account = () => random.pick(["a", "b", "c", "nobody"]);
  const amount = () => random.pick([0, -5, 1, 7, 2 ** 40, LARGEST, LARGEST - 3]);
  const operation = (): Operation => {
    const kind = random.pick(["open", "deposit", "withdraw", "move", "balance", "statement"]);
    switch (kind) {
      case "open":
        return { kind, account: random.pick(["a", "b", "c"]), name: "", address: "" };
      case "deposit":
      case "withdraw":
        return { kind, account: account(), amount: amount() };
      case "move":
        return { kind, from: account(), to: account(), amount: amount() };
      case "balance":
        return { kind, account: account() };
      default:
        return { kind: "statement", account: account(), limit: 1 + random.int(4) };
    }
  };
  for (let seq = 1; seq <= 400; seq++) {
    const batch = Array.from({ length: random.int(4) }, (_, client) => {
      const bytes = random.chance(0.05) ? Uint8Array.of(9) : encodeOperation(operation());
      return request(client, Math.max(1, seq - random.int(2)), bytes);
    });
    assert.is(problem(batch), undefined, `seq ${seq}`);
  }
});

test("a wrong answer, a repetition executed, and money that was made are told", () => {
  const { twin, problem, machine } = pair();
  const deposit = encodeOperation({ kind: "deposit", account: "a", amount: 5 });
  assert.is(problem([request(1, 1, encodeOperation(OPEN))]), undefined);
  const wrong = (executions: readonly Execution[]) =>
    executions.map((one): Execution => {
      if (one.kind === "stale") return one;
      const result = Uint8Array.from(one.reply.result);
      result[8] = (result[8] ?? 0) ^ 1;
      return { ...one, reply: { ...one.reply, result } };
    });
  assert.match(problem([request(1, 2, deposit)], wrong) ?? "", /"balance":5\} is right/);
  const again = (executions: readonly Execution[]) =>
    executions.map((one): Execution => (one.kind === "stale" ? one : { ...one, kind: "executed" }));
  assert.match(problem([request(1, 2, deposit)], again) ?? "", /executed, where it is repeated/);
  const rich = (ids?: readonly string[]) =>
    machine.accounts(ids).map((row) => ({ ...row, balance: row.balance + 1 }));
  assert.match(problem([request(1, 3, deposit)], (same) => same, rich) ?? "", /has 11 on a/);
  assert.match(twin.totalProblem(machine.seq, rich()) ?? "", /holds 11 in all .* are 10/);
  assert.is(twin.totalProblem(machine.seq, machine.accounts()), undefined);
});

test.run();

// The rules of the bank against a naive twin: written from the sentences, with bigints and
// lists, so that it shares no mistake with the rules it judges.

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { LedgerMachine } from "./machine.js";
import type { Operation } from "./operation.js";
import { decodeResult, type Result } from "./result.js";
import { anyOperation, memoryDisk, request } from "./testing/fixture.js";

const LARGEST = BigInt(Number.MAX_SAFE_INTEGER);

/** Every account's postings; a balance is their sum. */
class NaiveBank {
  readonly postings = new Map<string, bigint[]>();

  balance(account: string): bigint {
    return (this.postings.get(account) ?? []).reduce((sum, posting) => sum + posting, 0n);
  }

  total(): bigint {
    return [...this.postings.keys()].reduce((sum, account) => sum + this.balance(account), 0n);
  }

  perform(operation: Operation): Result | string {
    switch (operation.kind) {
      case "open":
        if (this.postings.has(operation.account)) return "account-exists";
        this.postings.set(operation.account, []);
        return { kind: "opened" };
      case "deposit":
        return this.#change([[operation.account, BigInt(operation.amount)]], operation.amount);
      case "withdraw":
        return this.#change([[operation.account, -BigInt(operation.amount)]], operation.amount);
      case "move": {
        if (operation.amount > 0 && operation.from === operation.to) return "same-account";
        const amount = BigInt(operation.amount);
        const changes: [string, bigint][] = [
          [operation.from, -amount],
          [operation.to, amount],
        ];
        const result = this.#change(changes, operation.amount);
        if (typeof result === "string") return result;
        const fromBalance = Number(this.balance(operation.from));
        return { kind: "moved", fromBalance, toBalance: Number(this.balance(operation.to)) };
      }
      case "balance":
        if (!this.postings.has(operation.account)) return "no-such-account";
        return { kind: "balance", balance: Number(this.balance(operation.account)) };
      case "statement": {
        const postings = this.postings.get(operation.account);
        if (postings === undefined) return "no-such-account";
        return {
          kind: "statement",
          balance: Number(this.balance(operation.account)),
          entryCount: postings.length,
          amounts: postings.slice(-operation.limit).map(Number),
        };
      }
      default:
        return operation satisfies never;
    }
  }

  #change(changes: [account: string, amount: bigint][], amount: number): Result | string {
    if (amount <= 0) return "bad-amount";
    if (changes.some(([account]) => !this.postings.has(account))) return "no-such-account";
    const after = changes.map(([account, change]) => this.balance(account) + change);
    if (after.some((balance) => balance < 0n)) return "insufficient-funds";
    const total = changes.reduce((sum, [, change]) => sum + change, this.total());
    if (after.some((balance) => balance > LARGEST) || total > LARGEST) return "overflow";
    for (const [account, change] of changes) this.postings.get(account)?.push(change);
    return { kind: "balance", balance: Number(after[0]) };
  }
}

function perform(machine: LedgerMachine, operation: Operation): Result {
  const seq = machine.seq + 1;
  const [execution] = machine.apply(seq, [request(1, seq, operation)]);
  assert.ok(execution?.kind === "executed");
  const result = decodeResult(execution.reply.result);
  assert.ok(result !== undefined);
  return result;
}

/** Balances of all accounts, @cash among them. */
function balances(machine: LedgerMachine): Map<string, bigint> {
  const ids = [...machine.accounts().map(({ id }) => id), "@cash"];
  return new Map(machine.accounts(ids).map(({ id, balance }) => [id, BigInt(balance)]));
}

const rules = suite("rules of the bank");

rules("every answer and every balance is the naive bank's", () => {
  fc.assert(
    fc.property(fc.array(anyOperation, { maxLength: 60 }), (operations) => {
      const machine = memoryDisk().open();
      const naive = new NaiveBank();
      for (const operation of operations) {
        const expected = naive.perform(operation);
        const result = perform(machine, operation);
        if (typeof expected !== "string") assert.equal(result, expected);
        else assert.equal(result, { kind: "refused", refusal: expected });
      }
      for (const { id, balance } of machine.accounts()) {
        assert.is(BigInt(balance), naive.balance(id));
      }
      assert.is(machine.accounts().length, naive.postings.size);
    }),
    { numRuns: 500 },
  );
});

rules("money is conserved: all accounts and @cash add up to zero after every operation", () => {
  fc.assert(
    fc.property(fc.array(anyOperation, { maxLength: 60 }), (operations) => {
      const machine = memoryDisk().open();
      for (const operation of operations) {
        perform(machine, operation);
        const sum = [...balances(machine).values()].reduce((total, balance) => total + balance, 0n);
        assert.is(sum, 0n);
      }
    }),
  );
});

rules("a refused operation changes nothing but the session", () => {
  fc.assert(
    fc.property(fc.array(anyOperation, { maxLength: 60 }), (operations) => {
      const machine = memoryDisk().open();
      for (const operation of operations) {
        const before = [machine.accounts(), balances(machine), machine.entryCount];
        if (perform(machine, operation).kind !== "refused") continue;
        assert.equal([machine.accounts(), balances(machine), machine.entryCount], before);
      }
    }),
  );
});

rules("the sum of all accounts never passes the largest safe integer, nor does one account", () => {
  const machine = memoryDisk().open();
  const most = Number.MAX_SAFE_INTEGER;
  const deposit = (account: string, amount: number) =>
    perform(machine, { kind: "deposit", account, amount });
  for (const account of ["a", "b"]) {
    perform(machine, { kind: "open", account, name: "", address: "" });
  }
  assert.equal(deposit("a", most), { kind: "balance", balance: most });
  assert.equal(deposit("a", 1), { kind: "refused", refusal: "overflow" });
  assert.equal(deposit("b", 1), { kind: "refused", refusal: "overflow" });
  assert.equal(perform(machine, { kind: "move", from: "a", to: "b", amount: most }), {
    kind: "moved",
    fromBalance: 0,
    toBalance: most,
  });
  assert.equal(balances(machine).get("@cash"), -BigInt(most));
});

rules("a statement walks back over the newest postings, whoever the other side was", () => {
  const machine = memoryDisk().open();
  for (const account of ["a", "b"]) {
    perform(machine, { kind: "open", account, name: "", address: "" });
  }
  perform(machine, { kind: "deposit", account: "a", amount: 10 });
  perform(machine, { kind: "move", from: "a", to: "b", amount: 4 });
  perform(machine, { kind: "move", from: "b", to: "a", amount: 1 });
  perform(machine, { kind: "withdraw", account: "a", amount: 2 });
  assert.equal(perform(machine, { kind: "statement", account: "a", limit: 3 }), {
    kind: "statement",
    balance: 5,
    entryCount: 4,
    amounts: [-4, 1, -2],
  });
  assert.equal(perform(machine, { kind: "statement", account: "b", limit: 64 }), {
    kind: "statement",
    balance: 3,
    entryCount: 2,
    amounts: [4, -1],
  });
});

rules.run();

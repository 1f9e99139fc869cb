import { test } from "uvu";
import * as assert from "uvu/assert";
import { Configurations, mix } from "../configurations.js";
import { pairOperations } from "../operations.js";
import { bankHistory } from "./bank-history.js";
import { historyFrom } from "./notation.js";
import { independentGroups, project } from "./projection.js";
import { search } from "./search.js";
import { randomOf, simulate } from "./simulate-bank.js";
import { explicable } from "./testing/brute-force.js";
import { corrupt } from "./testing/corrupt.js";

const LIMITS = { steps: 200_000, configurations: 50_000 };

function opsOf(text: string) {
  return bankHistory(pairOperations(historyFrom(text))).ops;
}

test("whoever sees some accounts only of a correct history sees a correct history", () => {
  let corrupted = 0;
  for (let seed = 0; seed < 1_500; seed++) {
    const options = { infoShare: 0.2, statementShare: 0.3, amountMax: 3, opened: seed % 2 === 0 };
    const run = simulate({ ...options, operations: 8, accounts: 3, processes: 4, seed });
    const history = corrupt(run.history, seed % 3, randomOf(seed));
    if (!explicable(history)) continue;
    if (seed % 3 > 0) corrupted += 1;
    const { ops } = bankHistory(pairOperations(history));
    for (const accounts of [["a0"], ["a1", "nobody"], ["a0", "a2"], ["a1", "a2"]]) {
      const view = project(ops, new Set(accounts));
      assert.is(search(view, new Map(), LIMITS).found, true, `seed ${seed}, ${accounts}`);
    }
  }
  assert.ok(corrupted > 200, `only ${corrupted} corrupted histories were still correct`);
});

test("a move to or from elsewhere is a deposit or a withdrawal", () => {
  const ops = opsOf(`
    p0 0-1 move A B 5 -> 1 9
    p1 2-3 move A B 5 -> ?
    p2 4-5 move A B 5 -> !insufficient-funds @1
    p3 6-7 move A B 5 -> !no-such-account @1`);
  const seen = (account: string) =>
    project(ops, new Set([account])).map(({ operation, answer }) => [operation.kind, answer]);
  assert.equal(seen("A"), [
    ["withdraw", { kind: "ok", balance: 1 }],
    ["withdraw", undefined],
    ["withdraw", { kind: "refused", refusal: "insufficient-funds" }],
  ]);
  assert.equal(seen("B"), [
    ["deposit", { kind: "ok", balance: 9 }],
    ["deposit", undefined],
  ]);
  assert.is(project(ops, new Set(["A", "B"])).length, 4);
});

test("accounts that no operation connects are apart, unless one concerns them all", () => {
  const moves = `
    p0 0-1 move A B 5 -> 1 9
    p1 2-3 balance C -> 0
    p2 4-5 move D B 5 -> ?`;
  assert.equal(independentGroups(opsOf(moves)), [["A", "B", "D"], ["C"]]);
  const overflow = `${moves}\n p3 6-7 deposit C 5 -> !overflow @1`;
  assert.equal(independentGroups(opsOf(overflow)), [["A", "B", "D", "C"]]);
});

test("a deposit may overflow the bank's cash before it overflows its account", () => {
  const ops = opsOf(`
    p0 0-1 open A -> ok
    p0 2-3 open B -> ok
    p0 4-5 deposit A 9007199254740991 -> 9007199254740991
    p0 6-7 deposit B 1 -> !overflow @1`);
  assert.is(search(ops, new Map(), LIMITS).found, true);
  assert.is(search(ops.toSpliced(2, 1), new Map(), LIMITS).found, false);
});

test("an overflow of the cash depends on accounts that it does not name", () => {
  const ops = opsOf(`
    p0 0-1 open A -> ok
    p0 2-3 open B -> ok
    p1 4-50 deposit A 9007199254740991 -> 9007199254740991
    p2 5-10 deposit B 1 -> !overflow @1`);
  assert.is(search(ops, new Map(), LIMITS).found, true);
  // Whoever sees B alone cannot judge it.
  const view = project(ops, new Set(["B"]));
  assert.equal(
    view.map(({ operation }) => operation.kind),
    ["open"],
  );
});

test("a set of configurations holds what was added, once", () => {
  const configurations = new Configurations();
  const reference = new Set<string>();
  for (let step = 0; step < 20_000; step++) {
    // Few different values, zeros among them, so that repeats and empty-looking pairs occur.
    const [low, high] = [mix(step % 311, 1) % 64, mix(step % 97, 2) % 3];
    const key = low === 0 && high === 0 ? "0 1" : `${low} ${high}`;
    assert.is(configurations.add(low, high), !reference.has(key));
    reference.add(key);
  }
  assert.is(configurations.count, reference.size);
});

test.run();

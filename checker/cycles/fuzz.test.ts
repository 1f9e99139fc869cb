// The cycle checker against its slow twins, on histories of a small store at every level of isolation.
// More of them: FUZZ_RUNS=100000 npm test -- cycles/fuzz

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CYCLE_KINDS, impliedAnomalies } from "./anomalies.js";
import { checkListAppend } from "./list-append.js";
import type { RegisterAssumptions } from "./register-versions.js";
import { checkRwRegister } from "./rw-register.js";
import { everyCycle } from "./testing/every-cycle.js";
import { serializable } from "./testing/every-order.js";
import { asRegisters, LEVELS, runStore } from "./testing/store.js";
import { transactionsOf } from "./transactions.js";

const RUNS = Number(process.env["FUZZ_RUNS"] ?? 1_000);

const small = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  level: fc.constantFrom(...LEVELS),
  transactions: fc.integer({ min: 2, max: 6 }),
  processes: fc.integer({ min: 2, max: 4 }),
  keys: fc.integer({ min: 1, max: 3 }),
  microOpsMax: fc.integer({ min: 1, max: 4 }),
  infoShare: fc.constantFrom(0, 0.2),
  abortShare: fc.constantFrom(0, 0.2),
  finalRead: fc.boolean(),
});

/** Anomalies after which a twin that knows cycles alone has another opinion of the versions. */
const DIRECT = new Set([
  "internal",
  "future-read",
  "G1a",
  "G1b",
  "dirty-update",
  "duplicate-elements",
  "incompatible-order",
  "garbage-read",
]);

const isCycle = (name: string) => CYCLE_KINDS.some((kind) => name.startsWith(kind));

test("the cycles found imply all the cycles there are, and no others", () => {
  const seen = new Map<string, number>();
  let clean = 0;
  fc.assert(
    fc.property(small, (options) => {
      const history = runStore(options);
      const result = checkListAppend(transactionsOf(history, "list-append"));
      const names = result.anomalies.map(({ name }) => name);
      if (names.some((name) => name === "incompatible-order" || name === "duplicate-elements"))
        return;
      for (const name of names) seen.set(name, (seen.get(name) ?? 0) + 1);
      if (names.length === 0) clean += 1;
      const found = [...impliedAnomalies(names.filter(isCycle))].filter(isCycle).sort();
      const expected = [...everyCycle(history)].filter(isCycle).sort();
      assert.equal(found, expected);
    }),
    { numRuns: RUNS, seed: 20_261_127 },
  );
  for (const name of ["G0", "G1c", "G-single", "G-nonadjacent", "G2-item", "G-single-realtime"]) {
    assert.ok((seen.get(name) ?? 0) > 0, `no ${name} among ${RUNS} histories`);
  }
  assert.ok(clean > RUNS / 10, `only ${clean} clean histories`);
});

test("a serial order that explains all reads is never doubted; none is always seen where all was read", () => {
  const counts = { serial: 0, strict: 0, broken: 0 };
  fc.assert(
    fc.property(small, (options) => {
      const history = runStore(options);
      const strict = serializable(history, "strict");
      const any = serializable(history, "any");
      const transactions = transactionsOf(history, "list-append");
      const [ofStrict, ofAny] = (["strict-serializable", "serializable"] as const).map((model) => {
        const { valid, anomalies } = checkListAppend(transactions, { model });
        return { broken: valid === false, direct: anomalies.some(({ name }) => DIRECT.has(name)) };
      });
      if (strict) assert.is(ofStrict?.broken, false);
      if (any) assert.is(ofAny?.broken, false);
      // With every key read at the end, and nothing unknown, the order of versions is complete.
      if (options.finalRead && options.infoShare === 0) {
        assert.is(ofStrict?.broken, !strict);
        assert.is(ofAny?.broken, !any);
      }
      counts.strict += Number(strict);
      counts.serial += Number(any && !strict);
      counts.broken += Number(!any);
    }),
    { numRuns: RUNS, seed: 20_261_128 },
  );
  for (const [what, count] of Object.entries(counts)) {
    assert.ok(count > RUNS / 100, `only ${count} ${what} histories`);
  }
});

test("a level of isolation shows none of the anomalies that it proscribes", () => {
  fc.assert(
    fc.property(small, (options) => {
      const result = checkListAppend(transactionsOf(runStore(options), "list-append"));
      const { not, alsoNot } = result.boundary;
      const { level } = options;
      const model = level === "strict-serializable" ? "strong-serializable" : level;
      // Aborted writes stay in the one; the other commits upon versions that it never showed.
      if (level === "read-uncommitted" || level === "consistent-read") return;
      assert.not.ok([...not, ...alsoNot].includes(model), `${model}: ${not.join(", ")}`);
    }),
    { numRuns: RUNS, seed: 20_261_129 },
  );
});

test("registers: a serial order that explains all reads is never doubted", () => {
  const counts = { strict: 0, serial: 0, broken: 0 };
  fc.assert(
    fc.property(small, fc.boolean(), (options, wfrKeys) => {
      const history = asRegisters(runStore(options));
      const strict = serializable(history, "strict");
      const any = serializable(history, "any");
      const transactions = transactionsOf(history, "rw-register");
      const brokenBy = (model: string, assumptions: RegisterAssumptions) =>
        checkRwRegister(transactions, { model, ...assumptions }).valid === false;
      if (any) assert.not.ok(brokenBy("serializable", { wfrKeys }));
      if (strict) {
        const all = { wfrKeys, sequentialKeys: true, linearizableKeys: true };
        assert.not.ok(brokenBy("strong-serializable", all));
      }
      counts.strict += Number(strict);
      counts.serial += Number(any && !strict);
      counts.broken += Number(brokenBy("serializable", { wfrKeys }));
    }),
    { numRuns: RUNS, seed: 20_261_130 },
  );
  for (const [what, count] of Object.entries(counts)) {
    assert.ok(count > RUNS / 100, `only ${count} ${what} histories`);
  }
});

test.run();

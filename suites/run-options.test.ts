import { test } from "uvu";
import * as assert from "uvu/assert";
import { suiteNamed } from "./catalogue.js";
import { faultsOf } from "./plan.js";
import { parseRunOptions, type RawRunOptions, sizesOf } from "./run-options.js";
import { UsageError } from "./usage-error.js";

test("the defaults are four replicas and two sessions for each", () => {
  const options = parseRunOptions({});
  assert.is(options.replicas, 4);
  assert.equal(sizesOf(options), { concurrency: 8, accounts: 8 });
  assert.equal(sizesOf(options, 48), { concurrency: 48, accounts: 12 });
  assert.is(options.seed, undefined);
});

test("concurrency may be a multiple of the replicas", () => {
  assert.is(parseRunOptions({ concurrency: "3n", replicas: "7" }).concurrency, 21);
  assert.is(parseRunOptions({ concurrency: "n", replicas: "7" }).concurrency, 7);
  assert.is(parseRunOptions({ concurrency: "5" }).concurrency, 5);
});

test("accounts grow with the sessions, a quarter of them at least", () => {
  const accountsOf = (raw: RawRunOptions) => sizesOf(parseRunOptions(raw)).accounts;
  assert.is(accountsOf({ concurrency: "100" }), 25);
  assert.is(accountsOf({ concurrency: "100", accounts: "30" }), 30);
  assert.throws(
    () => accountsOf({ concurrency: "100", accounts: "3" }),
    (error: unknown) => error instanceof UsageError && /wants at least 25/.test(error.message),
  );
});

test("nemesis packages are named, and none means none", () => {
  assert.equal(parseRunOptions({ nemesis: "kill,halves" }).nemesis, ["kill", "halves"]);
  assert.equal(parseRunOptions({ nemesis: "none" }).nemesis, []);
});

const refused: readonly [RawRunOptions, RegExp][] = [
  [{ replicas: "5" }, /--replicas wants 3f\+1 replicas, found 5: pass 4 or 7/],
  [{ replicas: "3" }, /--replicas wants a whole number from 4 to 31, found "3"/],
  [{ replicas: "four" }, /--replicas .* found "four"/],
  [{ timeLimit: "0" }, /--time-limit wants a number from 0.5 to/],
  [{ timeLimit: "10s" }, /--time-limit .* found "10s"/],
  [{ concurrency: "0n" }, /--concurrency .* found "0n \(a count, or 2n\)"/],
  [{ concurrency: "-1" }, /--concurrency/],
  [{ concurrency: "2000n" }, /--concurrency/],
  [{ rate: "fast" }, /--rate/],
  [{ accounts: "1" }, /--accounts/],
  [{ seed: "4294967296" }, /--seed/],
  [{ seed: "1e3" }, /--seed/],
  [{ nemesis: "kill,earthquake" }, /unknown nemesis "earthquake"; known are: /],
  [{ nemesisInterval: "0" }, /--nemesis-interval/],
  [{ testCount: "0" }, /--test-count/],
];

for (const [raw, message] of refused) {
  test(`refused in one line: ${JSON.stringify(raw)}`, () => {
    try {
      parseRunOptions(raw);
    } catch (error) {
      assert.instance(error, UsageError);
      assert.match(String(error), message);
      assert.not.match(String(error), "\n");
      return;
    }
    assert.unreachable("accepted");
  });
}

test("--kill-at takes the points that there are, and names them where it gets another", () => {
  assert.is(parseRunOptions({ killAt: "mid-send" }).killAt, "mid-send");
  assert.throws(
    () => parseRunOptions({ killAt: "anywhere" }),
    /--kill-at wants a point, found "anywhere": pass one of before-persist, /,
  );
});

test("a point to die at comes beside the suite's own faults, or those asked for", () => {
  const halves = suiteNamed("halves");
  assert.equal(faultsOf(halves, {}), ["partition"]);
  assert.equal(faultsOf(halves, { killAt: "mid-send" }), ["partition", "kill-at"]);
  assert.equal(faultsOf(halves, { nemesis: ["kill"], killAt: "mid-send" }), ["kill", "kill-at"]);
});

test.run();

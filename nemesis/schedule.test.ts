import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FLAPPING } from "./flapping.js";
import { NEMESIS_PACKAGES, packagesOf, parseNemesisNames } from "./packages.js";
import { createRandom } from "./random.js";
import { kindsOf, nemesisPlan, type PlannedAction } from "./schedule.js";

const test = suite("schedule");
const NAMES = NEMESIS_PACKAGES.map((each) => each.name);

type Started = Extract<PlannedAction, { action: "start" }>;
const startsOf = (plan: readonly PlannedAction[]): Started[] =>
  plan.filter((action) => action.action === "start");

test("every start has its stop, later, before the limit; ids count the starts", () => {
  const packages = fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 5 });
  const ms = fc.integer({ min: 1, max: 120_000 });
  fc.assert(
    fc.property(fc.nat(), packages, ms, ms, (seed, names, intervalMs, timeLimitMs) => {
      const random = createRandom(seed);
      const plan = nemesisPlan({ packages: names, intervalMs, timeLimitMs, random });
      const active = new Set<string>();
      let last = 0;
      let started = 0;
      for (const action of plan) {
        assert.ok(Number.isSafeInteger(action.atMs) && action.atMs >= last);
        assert.ok(action.atMs <= timeLimitMs);
        last = action.atMs;
        if (action.action === "start") {
          assert.is(action.faultId, `f${started++}`);
          active.add(action.faultId);
        } else {
          assert.ok(active.delete(action.faultId), `${action.faultId} stops without a start`);
        }
      }
      assert.is(active.size, 0);
    }),
  );
});

test("each package starts within a second, in short runs within a quarter, and fills the run", () => {
  for (const name of NAMES) {
    for (let seed = 0; seed < 20; seed++) {
      for (const timeLimitMs of [2_000, 10_000, 60_000]) {
        const random = createRandom(seed);
        const plan = nemesisPlan({ packages: [name], intervalMs: 5_000, timeLimitMs, random });
        const starts = startsOf(plan);
        const first = starts[0]?.atMs ?? Number.POSITIVE_INFINITY;
        assert.ok(first <= Math.min(1_000, timeLimitMs / 4), `${name} starts at ${first} ms`);
        const expected = timeLimitMs / 5_000;
        assert.ok(starts.length >= expected * 0.6, `${name}: ${starts.length} in ${timeLimitMs}`);
        // What follows its own rhythm may come more often.
        const [{ hold } = FLAPPING] = packagesOf([name]);
        if ("cutMs" in hold || hold.restMsMax !== undefined) continue;
        assert.ok(starts.length <= expected * 2 + 1, `${name}: ${starts.length} in ${timeLimitMs}`);
      }
    }
  }
});

test("a crash loop keeps to one replica for a while, a rolling restart never", () => {
  const targets = (name: string) => {
    const random = createRandom(4);
    const plan = nemesisPlan({ packages: [name], intervalMs: 3_000, timeLimitMs: 20_000, random });
    return startsOf(plan).map(({ intent: { target } }) =>
      target.kind === "replica" ? target.index : Number.NaN,
    );
  };
  assert.equal(targets("crash-loop").slice(0, 9), [0, 0, 0, 0, 1, 1, 1, 1, 2]);
  assert.equal(targets("rolling-restart").slice(0, 5), [0, 1, 2, 3, 4]);
});

test("one package never overlaps itself; several packages do overlap", () => {
  const plan = (packages: string[]) =>
    nemesisPlan({ packages, intervalMs: 3_000, timeLimitMs: 60_000, random: createRandom(8) });
  const depth = (actions: readonly PlannedAction[]) => {
    let active = 0;
    let deepest = 0;
    for (const { action } of actions) {
      active += action === "start" ? 1 : -1;
      deepest = Math.max(deepest, active);
    }
    return deepest;
  };
  for (const name of NAMES) assert.is(depth(plan([name])), 1, name);
  assert.is(depth(plan(["loss", "duplicate", "reorder"])), 3);
});

test("the plan of a seed is always the same, and adding a package moves no other's faults", () => {
  const options = { intervalMs: 3_000, timeLimitMs: 30_000 };
  const alone = nemesisPlan({ ...options, packages: ["kill"], random: createRandom(5) });
  const used = createRandom(5);
  used.int(10);
  assert.equal(nemesisPlan({ ...options, packages: ["kill"], random: used }), alone);
  const together = nemesisPlan({
    ...options,
    packages: ["partition", "kill"],
    random: createRandom(5),
  });
  const times = (plan: readonly PlannedAction[]) =>
    startsOf(plan)
      .filter((action) => action.intent.kind === "kill")
      .map((action) => action.atMs);
  assert.equal(times(together), times(alone));
});

test("a package asks only for the kinds it declares, and the random partition for all shapes", () => {
  const shapes = new Set<string>();
  for (const nemesis of NEMESIS_PACKAGES) {
    const random = createRandom(2).fork(nemesis.name);
    for (let draw = 0; draw < 100; draw++) {
      const intent = nemesis.intent(random, draw);
      assert.ok(nemesis.kinds.includes(intent.kind), `${nemesis.name} asks for ${intent.kind}`);
      if (nemesis.name === "partition" && intent.kind === "partition") shapes.add(intent.shape);
    }
    assert.match(nemesis.description, /^[A-Z].*\.$/);
  }
  assert.is(shapes.size, 10);
  assert.is(new Set(NAMES).size, NAMES.length);
  assert.equal(kindsOf(["kill", "partition", "kill-f"]), ["kill", "partition"]);
});

test("flapping links are cut and whole for as long as was asked, whatever the interval", () => {
  for (const [name, cutMs, wholeMs] of [
    ["flapping", 400, 400],
    ["flapping:250", 250, 250],
    ["flapping:200/600", 200, 600],
  ] as const) {
    const random = createRandom(3);
    const plan = nemesisPlan({ packages: [name], intervalMs: 9_000, timeLimitMs: 8_000, random });
    const times = plan.map(({ atMs }) => atMs);
    assert.ok(plan.length >= 2 * Math.floor(6_000 / (cutMs + wholeMs)), `${name}: ${plan.length}`);
    for (let at = 0; at + 3 < times.length; at += 2) {
      assert.is((times[at + 1] ?? 0) - (times[at] ?? 0), cutMs);
      assert.is((times[at + 2] ?? 0) - (times[at + 1] ?? 0), wholeMs);
    }
  }
  assert.throws(() => parseNemesisNames("flapping:20"), /flapping:20: want 50 to 60000 ms/);
  assert.throws(() => parseNemesisNames("flapping:"), /unknown nemesis "flapping:"/);
});

test("names parse, once each, in order; the unknown are named beside the known", () => {
  assert.equal(parseNemesisNames(" kill, loss,kill ,"), ["kill", "loss"]);
  assert.equal(parseNemesisNames("none"), []);
  assert.equal(parseNemesisNames(""), []);
  const [kill] = packagesOf(["kill"]);
  assert.is(kill?.name, "kill");
  try {
    parseNemesisNames("kill,meteor");
    assert.unreachable("meteor was accepted");
  } catch (error) {
    assert.instance(error, RangeError);
    const message = error instanceof Error ? error.message : "";
    assert.match(message, /^unknown nemesis "meteor"; known are: none, /);
    assert.not.match(message, /\n/);
    for (const name of NAMES) assert.ok(message.includes(name));
  }
});

test("useless numbers are refused", () => {
  const random = createRandom(1);
  for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(
      () => nemesisPlan({ packages: [], intervalMs: bad, timeLimitMs: 1, random }),
      /nemesis interval is a positive number/,
    );
    assert.throws(
      () => nemesisPlan({ packages: [], intervalMs: 1, timeLimitMs: bad, random }),
      /time limit is a positive number/,
    );
  }
});

test("a liar by name tells these lies only, and names what it cannot tell", () => {
  const [liar] = packagesOf(parseNemesisNames("liar:mute+replay"));
  assert.ok(liar);
  const random = createRandom(1);
  const told = new Set<string>();
  for (let round = 0; round < 40; round++) {
    const intent = liar.intent(random, 0);
    told.add(intent.kind === "lie" ? intent.lie : intent.kind);
  }
  assert.equal([...told].sort(), ["mute", "replay"]);
  assert.throws(
    () => parseNemesisNames("liar:white"),
    /liar:white: no lie "white"; known are: equi/,
  );
  assert.throws(() => parseNemesisNames("liar:"), /no lie ""/);
});

test.run();

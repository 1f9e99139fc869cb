// Cases of the conformance suite: faults of processes, clocks and disks beyond kills and pauses.

import assert from "node:assert/strict";
import type { Test } from "uvu";
import type { FaultIntent } from "../../../nemesis/faults.js";
import { type Bench, type Context, cannot } from "./conformance-bench.js";

const R3 = { kind: "nodes", nodes: ["r3"] } as const;

/** Each while clients are served by the others. */
const HARMS: readonly FaultIntent[] = [
  { kind: "terminate", target: R3 },
  { kind: "slow-cpu", factor: 10, target: R3 },
  { kind: "freeze", target: R3 },
  { kind: "clock", rate: 1, jumpMs: 60_000, target: R3 },
  { kind: "strobe", jumpMs: 2_000, periodMs: 100, target: R3 },
  { kind: "files", openMax: 0, target: R3 },
  // Lies of whatever it sends: one that was wiped before casts no votes yet.
  { kind: "lie", lie: "garbage", percent: 100, target: R3 },
  { kind: "lie", lie: "mute", percent: 100, target: R3 },
];
const DISKS: readonly FaultIntent[] = [
  { kind: "disk", flaw: "full", target: R3 },
  { kind: "power-cut", unsynced: "lost", target: R3 },
  { kind: "disk-damage", damage: "wiped", target: R3 },
];
const POINTS = ["after-persist-before-send", "mid-send"] as const;
/** Of faults that end the process by themselves, once it works. */
const ENDING: ReadonlySet<string> = new Set(["disk"]);
/** A share of a processor shows over some turns only, and an idle replica says little. */
const HELD_MS: Readonly<Record<string, number>> = { "slow-cpu": 2_000, lie: 1_000 };

export function harmDisks(test: Test<Context>): void {
  eachBorne(test, DISKS);
}

export function harmNodes(test: Test<Context>): void {
  eachBorne(test, HARMS);
  for (const point of POINTS) {
    test(`a replica kills itself ${point}, as it was told, and comes back`, async ({ bench }) => {
      await underLoad(bench, { kind: "kill-at", point, count: 1, target: R3 });
    });
  }

  test("a replica that may have no more memory ends of it, and comes back", async ({ bench }) => {
    await underLoad(bench, { kind: "memory", target: R3 });
  });

  test("a replica whose clock is wrong is killed, and its clock is as wrong as before", async ({
    bench,
  }) => {
    if (cannot("clock", bench.environment)) return;
    const clock = await bench.harm({ kind: "clock", rate: 1.5, jumpMs: 9_000, target: R3 }, ["r3"]);
    await bench.deposit(3);
    const kill = await bench.strike("kill", ["r3"]);
    await bench.deposit(3);
    await bench.heal(kill);
    await bench.heal(clock);
    await bench.settle();
    await bench.audit();
  });
}

function eachBorne(test: Test<Context>, intents: readonly FaultIntent[]): void {
  for (const intent of intents) {
    const { kind } = intent;
    const what = kind === "lie" ? `${kind} ${intent.lie}` : kind;
    test(`a replica under ${what} costs the others nothing, and comes back`, async ({ bench }) => {
      if (cannot(kind, bench.environment)) return;
      await bench.settle();
      const fault = await bench.harm(intent, ["r3"]);
      const untilMs = performance.now() + (HELD_MS[kind] ?? 0);
      for (let round = 0; round < 3 || performance.now() < untilMs; round++) await bench.deposit(3);
      if (ENDING.has(kind)) await ends(bench);
      await bench.heal(fault);
      await bench.settle();
      await bench.audit();
    });
  }
}

/** The process ends only once it has something to do; on most environments the fault is applied by then. */
async function underLoad(bench: Bench, intent: FaultIntent): Promise<void> {
  if (cannot(intent.kind, bench.environment)) return;
  await bench.settle();
  let isApplied = false;
  const applying = bench.harm(intent, ["r3"]).finally(() => {
    isApplied = true;
  });
  const ended = await bench.until(async () => {
    await bench.deposit(5);
    return isApplied && !(await bench.status("r3")).alive;
  });
  const fault = await applying;
  assert.ok(ended);
  await bench.heal(fault);
  await bench.settle();
  await bench.audit();
}

async function ends(bench: Bench): Promise<void> {
  assert.ok(await bench.until(async () => !(await bench.status("r3")).alive));
}

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { describeFault, describeIntent } from "./describe.js";
import type { FaultIntent } from "./faults.js";
import { createRandom } from "./random.js";
import { resolveFault } from "./resolve.js";

const test = suite("describe");
const view = { replicas: ["r0", "r1", "r2", "r3"], clients: ["c0"], f: 1, primary: "r0" };

test("intents and what they meant, in words", () => {
  const cases: [FaultIntent, string, string][] = [
    [
      { kind: "partition", shape: "isolate", target: { kind: "primary" } },
      "partition isolate primary",
      "partition isolate primary → r0",
    ],
    [
      { kind: "partition", shape: "clients", target: { kind: "none" } },
      "partition clients",
      "partition clients → c0",
    ],
    [
      { kind: "loss", percent: 20, target: { kind: "nodes", nodes: ["r1"] } },
      "loss 20 % r1",
      "loss 20 % r1",
    ],
    [
      { kind: "reorder", percent: 10, gapMs: 5, target: { kind: "primary" } },
      "reorder 10 % by 5 ms primary",
      "reorder 10 % by 5 ms primary → r0",
    ],
    [
      { kind: "delay", delayMs: 50, jitterMs: 10, target: { kind: "all" } },
      "delay 50±10 ms all",
      "delay 50±10 ms all → r0,r1,r2,r3,c0",
    ],
    [{ kind: "kill", target: { kind: "all" } }, "kill all", "kill all → r0,r1,r2,r3"],
    [
      { kind: "power-cut", unsynced: "lost", target: { kind: "primary" } },
      "power-cut lost primary",
      "power-cut lost primary → r0",
    ],
    [
      { kind: "disk-damage", damage: "torn", file: "ledger", target: { kind: "primary" } },
      "disk-damage torn ledger primary",
      "disk-damage torn ledger primary → r0",
    ],
    [
      { kind: "disk", flaw: "read-error", target: { kind: "primary" } },
      "disk read-error primary",
      "disk read-error primary → r0",
    ],
    [
      {
        kind: "loss",
        percent: 20,
        pattern: { kind: "bursts", lengthMean: 5 },
        direction: "out",
        target: { kind: "primary" },
      },
      "loss 20 % in bursts of 5 from primary",
      "loss 20 % in bursts of 5 from primary → r0",
    ],
    [
      {
        kind: "loss",
        percent: 10,
        pattern: { kind: "every" },
        direction: "both",
        peers: { kind: "nodes", nodes: ["c0"] },
        target: { kind: "nodes", nodes: ["r2"] },
      },
      "loss 10 % (1 in 10) between c0 and r2",
      "loss 10 % (1 in 10) between c0 and r2",
    ],
    [
      {
        kind: "delay",
        delayMs: 50,
        jitterMs: 10,
        distribution: "normal",
        target: { kind: "nodes", nodes: ["r2"] },
      },
      "delay 50±10 ms normal r2",
      "delay 50±10 ms normal r2",
    ],
    [
      { kind: "terminate", target: { kind: "replica", index: 6 } },
      "terminate number 6",
      "terminate number 6 → r2",
    ],
    [
      { kind: "kill-at", point: "mid-send", count: 3, target: { kind: "primary" } },
      "kill-at mid-send, time 3 primary",
      "kill-at mid-send, time 3 primary → r0",
    ],
    [
      { kind: "strobe", jumpMs: 200, periodMs: 50, target: { kind: "primary" } },
      "strobe 200 ms every 50 ms primary",
      "strobe 200 ms every 50 ms primary → r0",
    ],
    [
      { kind: "files", openMax: 0, target: { kind: "primary" } },
      "files at most 0 primary",
      "files at most 0 primary → r0",
    ],
  ];
  for (const [intent, asked, meant] of cases) {
    assert.is(describeIntent(intent), asked);
    assert.is(describeFault(resolveFault("f0", intent, view, createRandom(1))), meant);
  }
});

test("halves show both sides, a ring its order", () => {
  const described = (shape: "halves" | "majorities-ring") => {
    const intent: FaultIntent = { kind: "partition", shape, target: { kind: "none" } };
    return describeFault(resolveFault("f0", intent, view, createRandom(3)));
  };
  assert.match(described("halves"), /^partition halves → r\d,r\d \| r\d,r\d$/);
  assert.match(described("majorities-ring"), /^partition majorities-ring → r0–r\d–r\d–r\d$/);
});

test.run();

// Test rig: runs inside `unshare -nm --pid`, applies faults to the network of lab-network.ts, and prints what
// was measured as one JSON object. lab.test.ts judges the figures.
// Arguments: back end of iptables, delay mechanism.

import { setTimeout as sleep } from "node:timers/promises";
import type { Evidence, Target } from "../faults.js";
import type { DelayMechanism } from "./delay-line.js";
import type { IptablesBackend } from "./iptables.js";
import { type Flow, type Lab, openLab, type Pace } from "./lab-network.js";

export type LabReport = {
  flows: Record<string, Flow>;
  evidence: Record<string, Evidence>;
  rulesLeft: string;
};

// A receiver that gets no CPU all the while must still have room for all of them in its socket.
const FEW: Pace = { count: 50, bytes: 200, intervalMs: 0.5 };
const MANY: Pace = { count: 400, bytes: 200, intervalMs: 0.5 };
const LARGE: Pace = { count: 150, bytes: 1_400, intervalMs: 2 };
const R1: Target = { kind: "primary" };

async function main(
  backend: IptablesBackend,
  mechanism: DelayMechanism | undefined,
): Promise<LabReport> {
  const lab = await openLab(backend, mechanism);
  await cuts(lab);
  await lossAndDuplicates(lab);
  await patterns(lab);
  if (mechanism !== undefined) await delays(lab);
  await wires(lab);
  await lab.flow("clean", "r0", "r1", FEW);
  const rulesLeft = await lab.rulesAt("r1");
  await lab.close();
  return { flows: lab.flows, evidence: lab.evidence, rulesLeft };
}

async function cuts(lab: Lab): Promise<void> {
  await lab.flow("baseline", "r0", "r1", FEW);

  await lab.start("isolate", { kind: "partition", shape: "isolate", target: R1 });
  await lab.flow("isolate r0>r1", "r0", "r1", FEW);
  await lab.flow("isolate r1>c0", "r1", "c0", FEW);
  await lab.flow("isolate r0>r2", "r0", "r2", FEW);
  await lab.stop("isolate");
  await lab.flow("healed r0>r1", "r0", "r1", FEW);

  await lab.start("deaf", { kind: "partition", shape: "one-way-in", target: R1 });
  await lab.flow("deaf r0>r1", "r0", "r1", FEW);
  await lab.flow("deaf r1>r0", "r1", "r0", FEW);
  // A second cut of the same link: one counter proves both, and the cure of one leaves the other.
  await lab.start("deaf too", { kind: "partition", shape: "one-way-in", target: R1 });
  await lab.flow("deaf twice r0>r1", "r0", "r1", FEW);
  await lab.stop("deaf");
  await lab.flow("deaf still r0>r1", "r0", "r1", FEW);
  await lab.stop("deaf too");

  // Nothing is sent, so nothing can be dropped: this one must not count as landed.
  await lab.start("idle", { kind: "partition", shape: "isolate", target: R1 });
  await lab.stop("idle");
}

async function lossAndDuplicates(lab: Lab): Promise<void> {
  await lab.start("loss", { kind: "loss", percent: 20, target: R1 });
  await lab.flow("loss", "r0", "r1", MANY);
  await lab.stop("loss");

  await lab.start("duplicate", { kind: "duplicate", percent: 30, target: R1 });
  await lab.flow("duplicate", "c0", "r1", MANY);
  await lab.stop("duplicate");
}

async function delays(lab: Lab): Promise<void> {
  await lab.start("delay", { kind: "delay", delayMs: 20, jitterMs: 0, target: R1 });
  await lab.flow("delay", "r0", "r1", LARGE);
  await lab.flow("delay elsewhere", "r0", "r2", FEW);
  await lab.stop("delay");

  await lab.start("jitter", { kind: "delay", delayMs: 20, jitterMs: 10, target: R1 });
  await lab.flow("jitter", "r0", "r1", LARGE);
  // The delay grows while datagrams wait: those on their way are not lost.
  const flowing = lab.flowing("r2", "r1", LARGE);
  await sleep(150);
  await lab.start("more", { kind: "delay", delayMs: 10, jitterMs: 0, target: { kind: "all" } });
  await flowing;
  await lab.flow("delay changed", "r2", "r1", { ...LARGE, count: 1 }, LARGE.count);
  await lab.stop("more");
  await lab.stop("jitter");

  const exponential = { distribution: "exponential", jitterMs: 20 } as const;
  await lab.start("exponential", { kind: "delay", delayMs: 20, ...exponential, target: R1 });
  await lab.flow("exponential", "r0", "r1", { ...LARGE, count: 320 });
  await lab.stop("exponential");

  await lab.start("reorder", { kind: "reorder", percent: 25, gapMs: 20, target: R1 });
  await lab.flow("reorder", "r0", "r1", LARGE);
  await lab.stop("reorder");

  await lab.start("loss 10", { kind: "loss", percent: 10, target: R1 });
  await lab.start("duplicate 10", { kind: "duplicate", percent: 10, target: R1 });
  await lab.start("reorder 20", { kind: "reorder", percent: 20, gapMs: 10, target: R1 });
  await lab.flow("all three", "r0", "r1", { count: 500, bytes: 300, intervalMs: 1 });
  for (const id of ["loss 10", "duplicate 10", "reorder 20"]) await lab.stop(id);
}

async function patterns(lab: Lab): Promise<void> {
  const bursts = { kind: "bursts", lengthMean: 5 } as const;
  await lab.start("bursts", { kind: "loss", percent: 30, pattern: bursts, target: R1 });
  await lab.flow("bursts", "r0", "r1", { ...MANY, count: 800 });
  await lab.stop("bursts");

  await lab.start("every", { kind: "loss", percent: 20, pattern: { kind: "every" }, target: R1 });
  await lab.flow("every", "r0", "r1", MANY);
  await lab.stop("every");
}

async function wires(lab: Lab): Promise<void> {
  await lab.start("corrupt", { kind: "corrupt", percent: 25, target: R1 });
  await lab.flow("corrupt", "r0", "r1", MANY);
  await lab.flow("corrupt elsewhere", "r0", "r2", FEW);
  await lab.stop("corrupt");

  await lab.start("clog", { kind: "clog", target: R1 });
  await lab.flowUntilQuiet("clog", "r0", "r1", FEW);
  await lab.flow("clog elsewhere", "r0", "r2", FEW);
  await lab.stop("clog");
  await lab.flow("unclogged", "r0", "r1", { ...FEW, count: 0 }, FEW.count);

  // 400 × 1,442 bytes at 1,000 a second are about seven times what fits through.
  await lab.start("narrow", { kind: "bandwidth", bytesPerSecond: 200_000, target: R1 });
  await lab.flowUntilQuiet("narrow", "r0", "r1", { count: 400, bytes: 1_400, intervalMs: 1 });
  await lab.stop("narrow");

  await lab.start("replay", { kind: "replay", percent: 20, target: R1 });
  await lab.flowUntilQuiet("replay", "r0", "r1", { ...MANY, intervalMs: 2 });
  await lab.stop("replay");

  await lab.start("slow", { kind: "delay", delayMs: 5, jitterMs: 0, target: R1 });
  await lab.start("narrow too", { kind: "bandwidth", bytesPerSecond: 100_000, target: R1 });
  await lab.flowUntilQuiet("slow and narrow", "r0", "r1", { ...LARGE, intervalMs: 1 });
  for (const id of ["slow", "narrow too"]) await lab.stop(id);
}

const [, , backendGiven, mechanismGiven] = process.argv;
const mechanisms: Record<string, DelayMechanism> = { netem: "netem", htb: "htb" };
const report = await main(
  backendGiven === "nft" ? "nft" : "legacy",
  mechanisms[mechanismGiven ?? ""],
);
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(0);

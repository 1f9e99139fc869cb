import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { FaultIntent, ResolvedFault } from "../faults.js";
import { createRandom } from "../random.js";
import { resolveFault } from "../resolve.js";
import { networkEvidence } from "./network-evidence.js";

const test = suite("network-evidence");
const view = { replicas: ["r0", "r1"], clients: ["c0"], f: 0, primary: "r0" };
const tools = { backend: "legacy", mechanism: "htb" } as const;
const all = { kind: "all" } as const;
const faultOf = (intent: FaultIntent): ResolvedFault =>
  resolveFault("f7", intent, view, createRandom(1));

test("a fault landed if the rules of its own part took packets, on the links that they name", () => {
  const fault = faultOf({ kind: "loss", percent: 10, target: all });
  const taken = new Map([
    ["loss:r0>r1", 3],
    ["loss:r1>r0", 4],
    ["loss:c0>r0", 0],
    ["drop:r0>r1", 900],
  ]);
  assert.equal(networkEvidence(fault, taken, tools), {
    faultId: "f7",
    landed: true,
    summary: "lost 7 datagrams on 2 of 6 links",
    mechanism: "iptables-legacy INPUT statistic DROP",
    measured: { lossPackets: 7, linksBitten: 2, links: 6, "loss:r0>r1": 3, "loss:r1>r0": 4 },
  });
});

test("bursts are proved with their count and their mean length", () => {
  const pattern = { kind: "bursts", lengthMean: 4 } as const;
  const fault = faultOf({ kind: "loss", percent: 10, pattern, target: all });
  const taken = new Map([
    ["burst:r0>r1", 30],
    ["bursts:r0>r1", 8],
    ["loss:r0>r1", 5],
  ]);
  const { summary, measured, mechanism } = networkEvidence(fault, taken, tools);
  assert.is(summary, "lost in bursts 30 datagrams on 1 of 6 links");
  assert.is(mechanism, "iptables-legacy INPUT statistic recent DROP");
  assert.equal([measured["bursts"], measured["burstLengthMean"]], [8, 3.75]);
});

test("packets that only passed a narrow link do not prove it narrow", () => {
  const fault = faultOf({ kind: "bandwidth", bytesPerSecond: 9, target: all });
  assert.not(networkEvidence(fault, new Map([["narrow:r0>r1", 900]]), tools).landed);
});

test("packets of another part prove nothing", () => {
  const fault = faultOf({ kind: "loss", percent: 10, target: all });
  const evidence = networkEvidence(fault, new Map([["drop:r0>r1", 900]]), tools);
  assert.not(evidence.landed);
  assert.is(evidence.summary, "lost 0 datagrams on 0 of 6 links");
});

test("what full delay lines lost is said and counted", () => {
  const fault = faultOf({ kind: "delay", delayMs: 5, jitterMs: 0, target: all });
  const taken = new Map([
    ["delay:r0>r1", 10],
    ["overflow:r0", 2],
    ["overflow:r1", 3],
  ]);
  const evidence = networkEvidence(fault, taken, tools);
  assert.is(
    evidence.summary,
    "delayed 10 datagrams on 1 of 6 links, 5 lost because the delay lines were full",
  );
  assert.is(evidence.measured["overflowPackets"], 5);
  assert.is(evidence.mechanism, "tc htb delay lines");
  assert.is(networkEvidence(fault, taken, { ...tools, mechanism: "netem" }).mechanism, "tc netem");
});

test("each kind has its own counter and mechanism; a kill has none here", () => {
  const kinds: [FaultIntent, string, string][] = [
    [{ kind: "partition", shape: "halves", target: { kind: "none" } }, "drop", "INPUT DROP"],
    [{ kind: "duplicate", percent: 1, target: all }, "duplicate", "TEE"],
    [{ kind: "reorder", percent: 1, gapMs: 1, target: all }, "reorder", "htb"],
    [{ kind: "loss", percent: 9, pattern: { kind: "every" }, target: all }, "every", "nth"],
    [{ kind: "corrupt", percent: 1, target: all }, "corrupt", "nft"],
    [{ kind: "replay", percent: 1, target: all }, "replay", "TEE"],
    [{ kind: "bandwidth", bytesPerSecond: 1, target: all }, "held", "tbf"],
    [{ kind: "bandwidth", bytesPerSecond: 1, target: all }, "bandwidth", "nft limit"],
    [{ kind: "clog", target: all }, "clog", "tbf"],
  ];
  for (const [intent, part, mechanism] of kinds) {
    const evidence = networkEvidence(faultOf(intent), new Map([[`${part}:r0>r1`, 1]]), tools);
    assert.ok(evidence.landed, part);
    assert.ok(evidence.mechanism.includes(mechanism), evidence.mechanism);
  }
  assert.throws(
    () => networkEvidence(faultOf({ kind: "kill", target: all }), new Map(), tools),
    /a kill is no fault of the network: f7/,
  );
});

test.run();

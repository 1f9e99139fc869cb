// Runs lab.js inside namespaces, for real, on every back end that works here, and as an unprivileged user
// where we are root. Where namespaces cannot be used the tests are skipped, with the reason on stdout.

import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { LabReport } from "./lab.js";
import { type Probe, probe } from "./probe.js";
import { localShell, must, prefixedShell, type Shell } from "./shell.js";

const LAB_DEADLINE_MS = 120_000;
const LAB = fileURLToPath(new URL("./lab.js", import.meta.url));

const isRoot = process.getuid?.() === 0;
const here = await probe(localShell(), { isRoot });
const NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
const nobody = prefixedShell(localShell(), NOBODY);

const test = suite("lab");

type LabRun = { name: string; shell: Shell; found: Probe };

/**
 * Two runs at most: what the machine would choose, and the other back end; the second as an
 * unprivileged user where we are root.
 */
async function labs(): Promise<LabRun[]> {
  if (here.mode === undefined) {
    skip("all", here.reason);
    return [];
  }
  const first: LabRun = { name: `${here.mode}, ${here.backend}`, shell: localShell(), found: here };
  const second = (isRoot ? await unprivileged() : undefined) ?? first;
  const other = first.found.backend === "legacy" ? "nft" : "legacy";
  if (!usable(second.found, `iptables-${other} TEE`)) {
    skip(`back end ${other}`, "it does not work here");
    return second === first ? [first] : [first, second];
  }
  const who = second === first ? here.mode : "unprivileged user";
  const found: Probe = { ...second.found, backend: other };
  return [first, { name: `${who}, ${other}`, shell: second.shell, found }];
}

async function unprivileged(): Promise<LabRun | undefined> {
  const found = await probe(nobody, { isRoot: false });
  const name = `unprivileged user, ${found.backend}`;
  if (found.mode === undefined) {
    skip(name, found.reason);
    return undefined;
  }
  const readable = await nobody.run(["test", "-r", LAB]);
  if (readable.exitCode === 0) return { name, shell: nobody, found };
  skip(name, `${LAB} is not readable for it`);
  return undefined;
}

function usable(found: Probe, name: string): boolean {
  return found.findings.some((each) => each.name === name && each.works);
}

function skip(what: string, reason: string): void {
  process.stdout.write(`skipped: lab: ${what}: ${reason}\n`);
  test.skip(`${what}: ${reason}`);
}

async function runLab(shell: Shell, found: Probe): Promise<LabReport> {
  const argv = [...found.unshare, process.execPath, LAB];
  const given = [found.backend ?? "legacy", found.mechanism ?? "none"];
  const { stdout } = await must(shell, [...argv, ...given], { deadlineMs: LAB_DEADLINE_MS });
  return JSON.parse(stdout);
}

for (const { name, shell, found } of await labs()) {
  if (found.mechanism === undefined) skip(`delays (${name})`, "neither netem nor htb works here");
  test(`faults on namespaces (${name}) do what they say, and their counters prove it`, async () => {
    const report = await runLab(shell, found);
    judgeCuts(report);
    judgeLossAndDuplicates(report);
    judgePatterns(report);
    judgeWires(report);
    if (found.mechanism !== undefined) judgeDelays(report);
    assert.not.match(report.rulesLeft, /-A ORDEAL/);
  });
}

function flowOf({ flows }: LabReport, name: string) {
  const flow = flows[name];
  if (flow === undefined) throw new Error(`the lab sent no flow "${name}"`);
  return flow;
}

function measuredOf({ evidence }: LabReport, id: string) {
  const found = evidence[id];
  if (found === undefined) throw new Error(`the lab has no evidence of "${id}"`);
  return found;
}

function figure(report: LabReport, id: string, name: string) {
  return measuredOf(report, id).measured[name];
}

function judgeCuts(report: LabReport): void {
  const arrived = (name: string) => flowOf(report, name).arrived;
  for (const whole of ["baseline", "isolate r0>r2", "healed r0>r1", "deaf r1>r0", "clean"]) {
    const flow = flowOf(report, whole);
    assert.equal([flow.arrived, flow.distinct], [50, 50], whole);
  }
  const cuts = [
    "isolate r0>r1",
    "isolate r1>c0",
    "deaf r0>r1",
    "deaf twice r0>r1",
    "deaf still r0>r1",
  ];
  for (const cut of cuts) assert.is(arrived(cut), 0, cut);
  const isolate = measuredOf(report, "isolate");
  assert.ok(isolate.landed);
  assert.is(isolate.summary, "dropped 100 datagrams on 2 of 6 links");
  assert.is(figure(report, "isolate", "drop:r1>c0"), 50);
  // Both one-way cuts saw the second flow; each saw one flow alone.
  assert.is(figure(report, "deaf", "drop:r0>r1"), 100);
  assert.is(figure(report, "deaf too", "drop:r0>r1"), 100);
  const idle = measuredOf(report, "idle");
  assert.not(idle.landed);
  assert.is(idle.summary, "dropped 0 datagrams on 0 of 6 links");
}

function judgeLossAndDuplicates(report: LabReport): void {
  const loss = flowOf(report, "loss");
  assert.ok(loss.arrived > 280 && loss.arrived < 360, `${loss.arrived} of 400 at 20 % loss`);
  assert.is(figure(report, "loss", "lossPackets"), 400 - loss.arrived);
  const duplicate = flowOf(report, "duplicate");
  assert.is(duplicate.distinct, 400);
  const copies = duplicate.arrived - 400;
  assert.ok(copies > 70 && copies < 170, `${copies} copies of 400 at 30 %`);
  assert.is(figure(report, "duplicate", "duplicatePackets"), copies);
}

function judgePatterns(report: LabReport): void {
  const bursts = flowOf(report, "bursts");
  const lost = bursts.sent - bursts.arrived;
  assert.ok(lost > 100 && lost < 400, `${lost} of 800 at 30 % in bursts`);
  assert.is(figure(report, "bursts", "burstPackets"), lost);
  assert.is(figure(report, "bursts", "bursts"), bursts.lossRuns, "what is missing, by runs");
  const length = lost / bursts.lossRuns;
  assert.ok(length > 3 && length < 8, `bursts of ${length} where 5 was asked`);
  const every = flowOf(report, "every");
  assert.equal([every.arrived, every.lossRuns], [320, 80], "one in five");
  assert.is(figure(report, "every", "everyPackets"), 80);
}

function judgeWires(report: LabReport): void {
  const corrupt = flowOf(report, "corrupt");
  assert.is(corrupt.arrived, 400, "what is flipped still reaches the process");
  assert.ok(corrupt.changed > 60 && corrupt.changed < 145, `${corrupt.changed} of 400 at 25 %`);
  assert.is(figure(report, "corrupt", "corruptPackets"), corrupt.changed);
  assert.is(flowOf(report, "corrupt elsewhere").changed, 0);

  assert.is(flowOf(report, "clog").arrived, 0);
  assert.is(flowOf(report, "clog elsewhere").arrived, 50);
  const unclogged = flowOf(report, "unclogged");
  assert.equal([unclogged.distinct, unclogged.overtaken], [50, 0], "all that waited, in order");
  assert.ok(unclogged.delayMsMin > 400, `waited ${unclogged.delayMsMin} ms`);
  assert.is(figure(report, "clog", "clogPackets"), 50);

  const narrow = flowOf(report, "narrow");
  const bytesPerSecond = (narrow.arrived * 1_442) / (narrow.arrivedMs / 1_000);
  assert.ok(narrow.arrived < 300, `${narrow.arrived} of 400 fit`);
  assert.ok(bytesPerSecond < 260_000, `${bytesPerSecond} bytes/s where 200,000 was asked`);
  assert.is(figure(report, "narrow", "crowdedPackets"), 400 - narrow.arrived);

  const policed = flowOf(report, "slow and narrow");
  assert.is(figure(report, "narrow too", "bandwidthPackets"), 150 - policed.arrived);
  assert.ok(policed.arrived < 140 && policed.delayMsMin > 4, `${policed.arrived} of 150 fit`);

  if (report.evidence["reorder"] === undefined) return;
  const replay = flowOf(report, "replay");
  const again = replay.arrived - replay.distinct;
  assert.is(replay.distinct, 400);
  assert.ok(again > 45 && again < 130, `${again} of 400 again at 20 %`);
  assert.ok(replay.overtaken > 0.9 * again, "what comes again is older than what came before it");
  assert.ok(measuredOf(report, "replay").landed);
}

/** A busy machine adds to every delay, so that only lower bounds are sharp. */
function judgeDelays(report: LabReport): void {
  const delay = flowOf(report, "delay");
  assert.equal([delay.arrived, delay.distinct], [150, 150]);
  assert.ok(delay.delayMsMin > 17, `delay of at least ${delay.delayMsMin} ms at 20`);
  assert.is(figure(report, "delay", "delayPackets"), 150);
  assert.is(figure(report, "delay", "overflowPackets"), 0);
  assert.is(flowOf(report, "delay elsewhere").arrived, 50);
  assert.is(figure(report, "delay", "delay:r0>r2"), undefined, "a link that has no delay");

  const exponential = flowOf(report, "exponential");
  assert.equal([exponential.arrived, exponential.distinct], [320, 320]);
  assert.ok(exponential.delayMsMax > 70, `the most of a long tail: ${exponential.delayMsMax} ms`);
  assert.ok(exponential.overtaken > 50, `${exponential.overtaken} of 320 overtaken`);

  const jitter = flowOf(report, "jitter");
  assert.equal([jitter.arrived, jitter.distinct], [150, 150]);
  assert.ok(jitter.delayMsMin > 8, `${jitter.delayMsMin} ms at 20±10`);
  assert.ok(jitter.delayMsMax > 24, `at most ${jitter.delayMsMax} ms at 20±10`);

  const changed = flowOf(report, "delay changed");
  assert.equal([changed.arrived, changed.sent], [151, 151], "none lost while the delay changed");

  const reorder = flowOf(report, "reorder");
  assert.equal([reorder.arrived, reorder.distinct], [150, 150]);
  const held = Number(figure(report, "reorder", "reorderPackets"));
  assert.ok(held > 12 && held < 65, `${held} of 150 held back at 25 %`);
  assert.ok(reorder.overtaken > 8, `${reorder.overtaken} overtaken, ${held} held back`);

  const all = flowOf(report, "all three");
  const lost = Number(figure(report, "loss 10", "lossPackets"));
  const copies = Number(figure(report, "duplicate 10", "duplicatePackets"));
  assert.is(all.arrived, 500 - lost + copies);
  assert.ok(lost > 15 && lost < 100 && copies > 15 && copies < 100, `-${lost} +${copies} at 10 %`);
  assert.ok(all.overtaken > 20, `${all.overtaken} of 500 overtaken`);
  for (const id of ["reorder 20", "more", "jitter"]) assert.ok(measuredOf(report, id).landed, id);
}

test.run();

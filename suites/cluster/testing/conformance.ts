// What every environment over processes must do, as one suite that runs on each of them with a real
// cluster. Cases share one cluster and leave it healed.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { signatureHolds } from "../../../checker/forensics/ed25519.js";
import { cutClients, isolate, mute } from "../../../nemesis/grudge.js";
import { readStatements } from "../../statements.js";
import type { Environment, EnvironmentOptions } from "../environment.js";
import { Bench, type Context, CUT, cannot, environmentOptions } from "./conformance-bench.js";
import { linkCases } from "./conformance-links.js";
import { harmDisks, harmNodes } from "./conformance-nodes.js";
import { processesUnder } from "./leftovers.js";

export type Harness = {
  name: string;
  create: (options: EnvironmentOptions) => Environment;
  /** What of the network outside the run's folder is still there. */
  leftovers: () => Promise<readonly string[]>;
  /** Of faults of nodes, beyond kills and pauses, only those of disks. */
  onlyDisks?: true;
  /** What ends a process there; absent: SIGKILL. */
  killMechanism?: string;
};

/** Without a cluster no case runs. uvu says nothing of it, and exits with 0. */
async function started(bench: Bench): Promise<void> {
  try {
    await bench.environment.start();
    await bench.open();
  } catch (error) {
    console.error(error);
    process.on("exit", () => {
      process.exitCode = 1;
    });
    throw error;
  }
}

export function runConformance(harness: Harness): void {
  const test = suite<Context>(`conformance of ${harness.name}`);
  const directory = mkdtempSync(join(tmpdir(), "ordeal-conformance-"));

  test.before(async (context) => {
    context.bench = new Bench(harness.create(environmentOptions(directory)));
    await started(context.bench);
  });
  test.after(async ({ bench }) => {
    await bench.environment.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test("a started cluster serves, and every replica names its view", async ({ bench }) => {
    await bench.deposit();
    await bench.settle();
    for (const { alive, status } of await bench.environment.observe()) {
      assert.ok(alive);
      assert.equal(status?.viewActive, true);
    }
    await bench.audit();
  });

  test("an isolated replica hears nothing until it is healed, then it catches up", async ({
    bench,
  }) => {
    await bench.settle();
    const fault = await bench.cut(isolate(["r3"], bench.everybody));
    const before = await bench.seq("r3");
    await bench.deposit(5);
    assert.equal(await bench.seq("r3"), before);
    assert.ok((await bench.seq("r1")) > before);
    const evidence = await bench.heal(fault);
    assert.match(evidence.summary, /dropped \d+ datagrams/);
    await bench.settle();
    await bench.audit();
  });

  test("a replica that is cut one way is not heard and still hears", async ({ bench }) => {
    await bench.settle();
    const fault = await bench.cut(mute(["r2"], bench.everybody));
    const before = await bench.seq("r2");
    await bench.deposit(5);
    assert.ok(await bench.until(async () => (await bench.seq("r2")) > before));
    const { measured } = await bench.heal(fault);
    const links = Object.keys(measured).filter((name) => name.includes(">"));
    assert.ok(links.length > 0 && links.every((name) => name.includes("r2>")), links.join(" "));
  });

  test("a client that is cut off is not served, others are; healing restores it", async ({
    bench,
  }) => {
    const fault = await bench.cut(cutClients(["c1"], bench.environment.replicas));
    const lost = bench.call("c1", "balance", { account: "A" }, 700);
    await bench.deposit();
    assert.equal((await lost).type, "info");
    await bench.heal(fault);
    assert.equal((await bench.call("c1", "balance", { account: "A" })).type, "ok");
  });

  test("one replica that gets no commit executes nothing, though it hears the others", async ({
    bench,
  }) => {
    if (cannot("message", bench.environment)) return;
    await bench.settle();
    const view = (await bench.status("r1")).status?.view ?? 0;
    const victim = `r${(view + 2) % 4}`; // A backup: a primary waits for its own batches.
    const others = bench.environment.replicas.filter((replica) => replica !== victim);
    const fault = await bench.lose(
      { kinds: ["commit", "commit-certificate"] },
      others.map((from) => [from, victim]),
    );
    const before = await bench.seq(victim);
    for (let round = 0; round < 3; round++) await bench.deposit();
    assert.equal(await bench.seq(victim), before);
    const { measured } = await bench.heal(fault);
    const links = Object.keys(measured).filter((name) => name.includes(">"));
    assert.ok(
      links.every((name) => name.includes(`>${victim}`)),
      links.join(" "),
    );
    await bench.settle();
    await bench.audit();
  });

  test("of the first two requests on each link two are lost, not three", async ({ bench }) => {
    if (cannot("message", bench.environment)) return;
    const fault = await bench.lose(
      { kinds: ["request"], first: 2 },
      bench.environment.replicas.map((to) => ["c0", to]),
    );
    for (let round = 0; round < 4; round++) await bench.deposit();
    const { measured } = await bench.heal(fault);
    const counts = Object.entries(measured).filter(([name]) => name.includes(">"));
    assert.equal(Math.max(...counts.map(([, count]) => Number(count))), 2, JSON.stringify(counts));
    await bench.audit();
  });

  linkCases(test);

  test("a fault that no datagram met has not landed", async ({ bench }) => {
    const idle = bench.environment.replicas.map((to) => ({ from: "c1", to, drop: true }));
    const fault = await bench.apply(CUT, idle);
    await bench.deposit();
    const evidence = await bench.environment.heal(fault);
    assert.equal(evidence.landed, false, evidence.summary);
  });

  test("of two cuts of one replica, healing the first leaves the second in force", async ({
    bench,
  }) => {
    await bench.settle();
    const first = await bench.cut(isolate(["r3"], bench.everybody));
    const second = await bench.cut(isolate(["r3"], bench.everybody));
    await bench.deposit();
    await bench.heal(first);
    const before = await bench.seq("r3");
    await bench.deposit(3);
    assert.equal(await bench.seq("r3"), before);
    await bench.heal(second);
    await bench.settle();
  });

  test("a killed primary is replaced, and restarts with what it had acknowledged", async ({
    bench,
  }) => {
    await bench.settle();
    const view = (await bench.status("r1")).status?.view ?? 0;
    const primary = `r${view % 4}`;
    const before = await bench.seq(primary);
    const fault = await bench.strike("kill", [primary]);
    assert.deepEqual(await bench.status(primary), { node: primary, alive: false });
    await bench.deposit(3);
    const evidence = await bench.heal(fault);
    assert.equal(evidence.mechanism, harness.killMechanism ?? "SIGKILL");
    assert.ok((await bench.seq(primary)) >= before);
    await bench.settle();
    await bench.audit();
  });

  test("a replica killed and restarted behind a cut stays behind it", async ({ bench }) => {
    await bench.settle();
    const cut = await bench.cut(isolate(["r1"], bench.everybody));
    const kill = await bench.strike("kill", ["r1"]);
    await bench.deposit(3);
    await bench.heal(kill);
    const before = await bench.seq("r1");
    await bench.deposit(3);
    assert.equal(await bench.seq("r1"), before);
    await bench.heal(cut);
    await bench.settle();
    await bench.audit();
  });

  test("after a power failure of all replicas everything acknowledged is there", async ({
    bench,
  }) => {
    await bench.deposit(10);
    const fault = await bench.strike("kill", bench.environment.replicas);
    assert.equal((await bench.call("c0", "balance", { account: "A" }, 500)).type, "info");
    await bench.heal(fault);
    await bench.audit();
    await bench.settle();
  });

  test("a paused replica is alive and silent, and catches up when it goes on", async ({
    bench,
  }) => {
    await bench.settle();
    const fault = await bench.strike("pause", ["r2"]);
    assert.deepEqual(await bench.status("r2"), { node: "r2", alive: true });
    await bench.deposit(3);
    await bench.heal(fault);
    await bench.settle();
    await bench.audit();
  });

  harmDisks(test);
  if (harness.onlyDisks !== true) harmNodes(test);

  test("nobody ended unasked, and the stop leaves nothing", async ({ bench }) => {
    assert.deepEqual(bench.environment.unexpectedExits(), []);
    await bench.environment.stop();
    assert.deepEqual(processesUnder(directory), []);
    assert.deepEqual(await harness.leftovers(), []);
  });

  test("each replica leaves what it heard the others sign, for a third party to verify", async ({
    bench,
  }) => {
    const { replicas } = bench.environment;
    const kept = readStatements(directory, replicas);
    assert.ok(kept !== undefined);
    const { scan, signers } = kept;
    assert.equal(scan.journals, replicas.length);
    assert.equal(scan.foreign, 0);
    for (const [signer, { name, signingKey }] of signers.replicas.entries()) {
      const kinds = new Set(["prepare", "checkpoint"]);
      const said = scan.statements.find((each) => each.signer === signer && kinds.has(each.kind));
      assert.ok(said !== undefined, `nobody heard ${name}`);
      assert.ok(signatureHolds(signingKey, said.bytes, said.signature), name);
    }
  });

  test.run();
}

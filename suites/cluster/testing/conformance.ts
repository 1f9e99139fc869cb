// What every environment over processes must do, as one suite that runs on each of them with a real
// cluster. Cases share one cluster and leave it healed.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import type {
  Evidence,
  FaultIntent,
  FaultKind,
  LinkRule,
  MessageMatch,
  NodeName,
} from "../../../nemesis/faults.js";
import { cutClients, type Grudge, isolate, linksOfGrudge, mute } from "../../../nemesis/grudge.js";
import type { ClientAnswer } from "../../../node/runtime/client-call.js";
import { PATIENCE } from "../deadline.js";
import type { Environment, EnvironmentOptions, NodeStatus } from "../environment.js";
import { processesUnder } from "./leftovers.js";

const DEADLINE_MS = 20_000 * PATIENCE;
const POLL_MS = 20;
/** The compiled files of this very build. */
export const BUILD = resolve(fileURLToPath(new URL("../../../", import.meta.url)));
const TARGET = { kind: "none" } as const;
const CUT = { kind: "partition", shape: "isolate", target: TARGET } as const;

export type Harness = {
  name: string;
  create: (options: EnvironmentOptions) => Environment;
  /** What of the network outside the run's folder is still there. */
  leftovers: () => Promise<readonly string[]>;
  /** What ends a process there; absent: SIGKILL. */
  killMechanism?: string;
};

export function environmentOptions(directory: string): EnvironmentOptions {
  return { replicas: 4, clientProcesses: 2, directory, protocol: {}, build: BUILD, seed: 11 };
}

/** One cluster under test, with words for what the cases do to it. */
/** Says so where an environment cannot do this here. */
function cannot(kind: FaultKind, { name, capabilities }: Environment): boolean {
  if (capabilities.has(kind)) return false;
  process.stdout.write(`skipped: conformance of ${name}: ${kind}: it cannot do that here\n`);
  return true;
}

class Bench {
  readonly environment: Environment;
  #faultCount = 0;
  #callCount = 0;
  #deposited = 0;

  constructor(environment: Environment) {
    this.environment = environment;
  }

  get everybody(): readonly NodeName[] {
    return [...this.environment.replicas, ...this.environment.clients];
  }

  /** A session of its own for each call: a lost one blocks nobody. */
  call(client: NodeName, f: string, value: object, timeoutMs = DEADLINE_MS): Promise<ClientAnswer> {
    const id = ++this.#callCount;
    return this.environment.call(client, { id, session: id, f, value, timeoutMs });
  }

  async open(): Promise<void> {
    assert.equal((await this.call("c0", "open", { account: "A" })).type, "ok");
  }

  /** Deposits 1, `count` times, all at once through c0; every one must be acknowledged. */
  async deposit(count = 1): Promise<readonly ClientAnswer[]> {
    const answers = await Promise.all(
      Array.from({ length: count }, () => this.call("c0", "deposit", { account: "A", amount: 1 })),
    );
    for (const { type, error } of answers) assert.equal(type, "ok", error);
    this.#deposited += count;
    return answers;
  }

  /** True as soon as it holds, false when it has not within the deadline, on the nodes' own clock. */
  async until(holds: () => Promise<boolean>): Promise<boolean> {
    const { time } = this.environment;
    const end = time.nowMs() + DEADLINE_MS;
    for (;;) {
      if (await holds()) return true;
      if (time.nowMs() >= end) return false;
      await time.sleep(POLL_MS);
    }
  }

  /** Everything that was acknowledged is there. */
  async audit(): Promise<void> {
    const { type, value } = await this.call("c0", "balance", { account: "A" });
    assert.equal(type, "ok");
    assert.deepEqual(value, { account: "A", balance: this.#deposited });
  }

  async apply(intent: FaultIntent, links: readonly LinkRule[]): Promise<string> {
    const id = `f${++this.#faultCount}`;
    await this.environment.apply({ id, intent, nodes: [], links });
    return id;
  }

  /** Loses datagrams with such messages on these links ("r0>r1"). */
  async lose(match: MessageMatch, links: readonly (readonly [NodeName, NodeName])[]) {
    const messages = [{ faultId: `f${this.#faultCount + 1}`, effect: "drop" as const, match }];
    const intent = { kind: "message", effect: "drop", match, direction: "in" } as const;
    return this.apply(
      { ...intent, target: TARGET },
      links.map(([from, to]) => ({ from, to, messages })),
    );
  }

  async cut(grudge: Grudge): Promise<string> {
    return this.apply(CUT, linksOfGrudge(grudge));
  }

  async strike(kind: "kill" | "pause" | "terminate", nodes: readonly NodeName[]): Promise<string> {
    return this.harm({ kind, target: { kind: "nodes", nodes } }, nodes);
  }

  async harm(intent: FaultIntent, nodes: readonly NodeName[]): Promise<string> {
    const id = `f${++this.#faultCount}`;
    await this.environment.apply({ id, intent, nodes, links: [] });
    return id;
  }

  /** Heals, and expects that the fault has bitten. */
  async heal(faultId: string): Promise<Evidence> {
    const evidence = await this.environment.heal(faultId);
    assert.ok(evidence.landed, evidence.summary);
    assert.notEqual(evidence.mechanism, "");
    return evidence;
  }

  /** The fault on every link between nodes that talk. */
  everyLink(rule: Omit<LinkRule, "from" | "to">): readonly LinkRule[] {
    const { replicas } = this.environment;
    return this.everybody.flatMap((from) =>
      this.everybody
        .filter((to) => to !== from && (replicas.includes(from) || replicas.includes(to)))
        .map((to) => ({ from, to, ...rule })),
    );
  }

  async status(node: NodeName): Promise<NodeStatus> {
    const found = (await this.environment.observe()).find((status) => status.node === node);
    assert.ok(found);
    return found;
  }

  async seq(node: NodeName): Promise<number> {
    return (await this.status(node)).status?.executedSeq ?? -1;
  }

  /** All replicas reach one seq and one digest. */
  async settle(): Promise<void> {
    let seen = "";
    const agreed = await this.until(async () => {
      const states = (await this.environment.observe()).map(
        ({ status }) => `${status?.executedSeq} ${status?.digest}`,
      );
      seen = states.join(", ");
      return !seen.includes("undefined") && new Set(states).size === 1;
    });
    assert.ok(agreed, `replicas came to rest in one state, found ${seen}`);
  }
}

export function runConformance(harness: Harness): void {
  const test = suite<{ bench: Bench }>(`conformance of ${harness.name}`);
  const directory = mkdtempSync(join(tmpdir(), "ordeal-conformance-"));

  test.before(async (context) => {
    context.bench = new Bench(harness.create(environmentOptions(directory)));
    await context.bench.environment.start();
    await context.bench.open();
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

  test("loss, duplication and reordering are borne, and leave their evidence", async ({
    bench,
  }) => {
    const lossy = await bench.apply(
      { kind: "loss", percent: 20, target: TARGET },
      bench.everyLink({ lossPercent: 20 }),
    );
    const doubled = await bench.apply(
      { kind: "duplicate", percent: 20, target: TARGET },
      bench.everyLink({ duplicatePercent: 20 }),
    );
    const shuffled = await bench.apply(
      { kind: "reorder", percent: 30, gapMs: 20, target: TARGET },
      bench.everyLink({ reorder: { percent: 30, gapMs: 20 } }),
    );
    for (let round = 0; round < 5; round++) await bench.deposit(4);
    for (const fault of [shuffled, lossy, doubled]) await bench.heal(fault);
    await bench.settle();
    await bench.audit();
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

  test("slow links make operations slow, until they are healed", async ({ bench }) => {
    const fault = await bench.apply(
      { kind: "delay", delayMs: 40, jitterMs: 0, target: TARGET },
      bench.everyLink({ delay: { delayMs: 40, jitterMs: 0 } }),
    );
    const [answer] = await bench.deposit();
    assert.ok(answer);
    // Request, pre-prepare, prepare, commit, reply: five links, one after the other.
    const tookMs = Number(BigInt(answer.endedNs) - BigInt(answer.startedNs)) / 1e6;
    assert.ok(tookMs >= 5 * 40 * 0.9, `took ${tookMs} ms`);
    await bench.heal(fault);
  });

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

  test("a terminated replica ends cleanly, and comes back with what it had", async ({ bench }) => {
    if (!bench.environment.capabilities.has("terminate")) return;
    await bench.settle();
    const before = await bench.seq("r3");
    const fault = await bench.strike("terminate", ["r3"]);
    assert.deepEqual(await bench.status("r3"), { node: "r3", alive: false });
    await bench.deposit(3);
    await bench.heal(fault);
    assert.ok((await bench.seq("r3")) >= before);
    await bench.settle();
    await bench.audit();
  });

  test("a replica kills itself at the point that it is told, and comes back", async ({ bench }) => {
    if (!bench.environment.capabilities.has("kill-at")) return;
    await bench.settle();
    for (const point of ["after-persist-before-send", "mid-send"] as const) {
      const target = { kind: "nodes", nodes: ["r2"] } as const;
      const deposits = bench.deposit(3);
      const fault = await bench.harm({ kind: "kill-at", point, count: 1, target }, ["r2"]);
      await deposits;
      assert.ok(await bench.until(async () => !(await bench.status("r2")).alive));
      await bench.heal(fault);
      await bench.settle();
    }
    await bench.audit();
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

  test("nobody ended unasked, and the stop leaves nothing", async ({ bench }) => {
    assert.deepEqual(bench.environment.unexpectedExits(), []);
    await bench.environment.stop();
    assert.deepEqual(processesUnder(directory), []);
    assert.deepEqual(await harness.leftovers(), []);
  });

  test.run();
}

// The bookkeeping of NetnsNetwork over a shell that only pretends; lab.test.ts runs the real thing.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { FaultIntent, ResolvedFault } from "../faults.js";
import { composeLinks } from "../links.js";
import { createRandom } from "../random.js";
import { resolveFault } from "../resolve.js";
import { LIST_INPUT } from "./iptables.js";
import { buildTopology, nodeShell } from "./netns.js";
import { NetnsNetwork } from "./network.js";
import type { RunOptions, RunResult, Shell } from "./shell.js";

const test = suite("network");
const view = { replicas: ["r0", "r1", "r2"], clients: [], f: 0, primary: "r1" };
const r1 = { kind: "primary" } as const;
const fault = (id: string, intent: FaultIntent): ResolvedFault =>
  resolveFault(id, intent, view, createRandom(1));
const isolate: FaultIntent = { kind: "partition", shape: "isolate", target: r1 };

/** Notes what it is asked to run; a list of rules answers the counters that are set by node. */
class PretendShell implements Shell {
  ran: { node: string; program: string; stdin: string }[] = [];
  counters: Record<string, string> = {};
  qdiscs = "[]";
  table = "";
  refuse: string | undefined;
  running = 0;
  runningMax = 0;

  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const node = argv[0]?.startsWith("nsenter") ? (argv[1]?.split("/").at(-1) ?? "") : "";
    const program = argv.slice(2).join(" ");
    this.ran.push({ node, program, stdin: options.stdin ?? "" });
    this.runningMax = Math.max(this.runningMax, ++this.running);
    await new Promise((resolve) => setImmediate(resolve));
    this.running--;
    if (this.refuse !== undefined && program.includes(this.refuse)) {
      return { exitCode: 2, stdout: "", stderr: "refused" };
    }
    const lists = program.includes("-save") || options.stdin?.startsWith(LIST_INPUT);
    const stdout = lists
      ? (this.counters[node] ?? "")
      : program.startsWith("tc -s")
        ? this.qdiscs
        : program.startsWith("nft list")
          ? this.table
          : "";
    return { exitCode: 0, stdout, stderr: "" };
  }

  /** Nodes on which this was run since the last call; a mere list is no restore. */
  nodesThatRan(program: string): string[] {
    const nodes = this.ran
      .filter((each) => each.program.includes(program) && each.stdin !== LIST_INPUT)
      .map((each) => each.node);
    this.ran = [];
    return nodes.sort();
  }
}

const accessTo = (shell: Shell) => (node: string) => ({
  shell: nodeShell(shell, node),
  device: "eth0",
  plugGateway: "10.77.0.254",
  isOurs: true,
  wake: () => nodeShell(shell, node).run(["wake"]),
});

async function networkOn(shell: PretendShell, mechanism: "htb" | undefined = "htb") {
  const topology = buildTopology(view.replicas);
  const network = new NetnsNetwork({
    topology,
    accessOf: accessTo(shell),
    backend: "legacy",
    mechanism,
  });
  await network.prepare();
  shell.ran = [];
  return network;
}

const counted = (packets: number, label: string) =>
  `-A ORDEAL-IN -s 10.77.0.1/32 -m comment --comment ${label} -c ${packets} 0 -j DROP\n`;

test("a state is restored once, on the nodes that it changes", async () => {
  const shell = new PretendShell();
  const network = await networkOn(shell);
  const deaf: FaultIntent = { kind: "partition", shape: "one-way-in", target: r1 };
  await network.apply([]);
  assert.equal(shell.nodesThatRan("restore"), []);
  await network.apply(composeLinks([fault("f0", deaf)]));
  assert.equal(shell.nodesThatRan("restore"), ["r1"]);
  await network.apply(composeLinks([fault("f0", deaf), fault("f1", deaf)]));
  assert.equal(shell.nodesThatRan("restore"), []);
  await network.apply(composeLinks([fault("f1", isolate)]));
  assert.equal(shell.nodesThatRan("restore"), ["r0", "r2"]);
  await network.apply([]);
  assert.equal(shell.nodesThatRan("restore"), ["r0", "r1", "r2"]);
});

test("a counter is credited to the faults that cause its rule while it counts", async () => {
  const shell = new PretendShell();
  const network = await networkOn(shell);
  const [first, second] = [fault("f0", isolate), fault("f1", isolate)];
  await network.apply(composeLinks([first]));
  shell.counters = { r1: counted(10, "drop:r0>r1") };
  await network.apply(composeLinks([first, second]));
  shell.counters = { r1: counted(14, "drop:r0>r1") };
  await network.apply(composeLinks([second]));
  shell.counters = { r1: counted(15, "drop:r0>r1") };
  await network.apply([]);
  shell.counters = { r1: counted(99, "drop:r0>r1") };
  assert.is((await network.evidence(first)).measured["dropPackets"], 14);
  assert.is((await network.evidence(second)).measured["dropPackets"], 5);
});

test("a node that leaves is left alone, and gets all that stands when it is back, as new", async () => {
  const shell = new PretendShell();
  const network = await networkOn(shell);
  const [first, slow] = [
    fault("f0", { kind: "partition", shape: "one-way-in", target: r1 }),
    fault("f1", { kind: "delay", delayMs: 20, jitterMs: 0, target: { kind: "all" } }),
  ];
  await network.apply(composeLinks([first]));
  shell.counters = { r1: counted(7, "drop:r0>r1") };
  await network.leave("r1");
  shell.ran = [];
  await network.apply(composeLinks([first, slow]));
  assert.equal([...new Set(shell.ran.map(({ node }) => node))].sort(), ["r0", "r2"]);
  // A kernel that has seen nothing of us: the counters begin at zero again.
  shell.counters = {};
  shell.ran = [];
  await network.rejoin("r1");
  const ran = shell.ran.filter(({ node }) => node === "r1");
  assert.is(ran.length, shell.ran.length);
  const restored = ran.filter(({ program }) => program.includes("restore")).at(-1)?.stdin ?? "";
  assert.match(restored, "drop:r0>r1");
  assert.match(restored, /delay:r1>r2 .*-g ORDEAL-POOL-0/);
  const batches = ran.filter(({ program }) => program.startsWith("tc -batch"));
  assert.match(batches.at(-1)?.stdin ?? "", "qdisc add dev eth0 root handle 1: htb");
  shell.counters = { r1: counted(3, "drop:r0>r1") };
  assert.is((await network.evidence(first)).measured["dropPackets"], 10);
});

test("counters start from zero after a restore", async () => {
  const shell = new PretendShell();
  const network = await networkOn(shell);
  const first = fault("f0", isolate);
  await network.apply(composeLinks([first]));
  shell.counters = { r1: counted(10, "drop:r0>r1") };
  const loss = fault("f1", { kind: "loss", percent: 5, target: { kind: "all" } });
  await network.apply(composeLinks([first, loss]));
  await network.apply(composeLinks([first]));
  // The drop rules of r1 stayed as they were, so its counter went on from 10.
  assert.is((await network.evidence(first)).measured["dropPackets"], 10);
  await network.apply([]);
  shell.counters = { r1: counted(3, "drop:r0>r1") };
  await network.apply(composeLinks([first]));
  assert.is((await network.evidence(first)).measured["dropPackets"], 13);
});

test("what full delay lines drop is credited to the delay, once", async () => {
  const shell = new PretendShell();
  const network = await networkOn(shell);
  const delay = fault("f0", { kind: "delay", delayMs: 5, jitterMs: 0, target: r1 });
  await network.apply(composeLinks([delay]));
  shell.qdiscs = '[{"kind":"pfifo","handle":"811:","parent":"1:801","drops":7}]';
  await network.apply(composeLinks([delay]));
  await network.apply([]);
  const { measured } = await network.evidence(delay);
  assert.is(measured["overflowPackets"], 14); // Seven on each of the two senders.
});

test("a new delay gets lines of its own, an old one back its old lines", async () => {
  const shell = new PretendShell();
  const network = await networkOn(shell);
  const delay = (delayMs: number) =>
    composeLinks([fault("f0", { kind: "delay", delayMs, jitterMs: 0, target: r1 })]);
  await network.apply(delay(5));
  const first = shell.ran.find((each) => each.program.startsWith("tc -batch"))?.stdin ?? "";
  assert.match(
    first,
    /^qdisc add dev eth0 root handle 1: htb default 0 direct_qlen 1000\nclass add .* classid 1:801 /,
  );
  shell.ran = [];
  await network.apply(delay(9));
  const second = shell.ran.find((each) => each.program.startsWith("tc -batch"))?.stdin ?? "";
  assert.match(second, /^class add .* classid 1:1 /);
  shell.ran = [];
  await network.apply([]);
  await network.apply(delay(9));
  assert.equal(shell.nodesThatRan("tc -batch"), []);
  await network.apply(delay(5));
  const third = shell.ran.find((each) => each.program.startsWith("tc -batch"))?.stdin ?? "";
  assert.match(third, /^class del dev eth0 classid 1:801\n/);
});

test("a clog is a shaper that is shut, and its cure lets out what waits before the rules go", async () => {
  const shell = new PretendShell();
  const network = await networkOn(shell);
  const clog = fault("f0", { kind: "clog", target: r1 });
  await network.apply(composeLinks([clog]));
  const batches = () =>
    shell.ran.filter(({ node, program }) => node === "r0" && program.startsWith("tc -batch"));
  assert.match(
    batches()[0]?.stdin ?? "",
    /^qdisc add dev eth0 root .*\nclass add .*1:f001 .*\nqdisc add .* tbf rate 8bit /,
  );
  shell.ran = [];
  shell.counters = { r0: "-A ORDEAL-OUT -m comment --comment clog:r0>r1 -c 6 0 -j CLASSIFY\n" };
  await network.apply([]);
  const order = shell.ran.filter(({ node }) => node === "r0").map(({ program }) => program);
  const restored = order.findIndex((each) => each.includes("-restore"), 1);
  assert.ok(order.indexOf("tc -batch -") < order.indexOf("wake"));
  assert.ok(order.indexOf("wake") < restored);
  assert.match(batches()[0]?.stdin ?? "", /^qdisc change .* tbf rate 10gbit /);
  assert.is((await network.evidence(clog)).measured["clogPackets"], 6);
});

test("a narrow link is proved by what waited or found no room, not by what passed", async () => {
  const shell = new PretendShell();
  const network = await networkOn(shell);
  const narrow = fault("f0", { kind: "bandwidth", bytesPerSecond: 20_000, target: r1 });
  await network.apply(composeLinks([narrow]));
  shell.counters = { r0: "-A ORDEAL-OUT -m comment --comment narrow:r0>r1 -c 9 0 -j CLASSIFY\n" };
  assert.not((await network.evidence(narrow)).landed);
  shell.qdiscs =
    '[{"kind":"tbf","handle":"f011:","parent":"1:f001","packets":9,"drops":2,"overlimits":5}]';
  const { summary } = await network.evidence(narrow);
  assert.is(summary, "held up or crowded out 14 datagrams on 2 of 2 links"); // Two senders.
});

test("a table of nft stands while a link needs it, and its counters start anew with it", async () => {
  const shell = new PretendShell();
  const network = await networkOn(shell);
  const corrupt = (id: string, percent: number) =>
    fault(id, { kind: "corrupt", percent, target: r1 });
  const [first, second] = [corrupt("f0", 5), corrupt("f1", 9)];
  await network.apply(composeLinks([first]));
  assert.equal(shell.nodesThatRan("nft -f"), ["r1"]);
  shell.table = 'counter packets 8 bytes 9 jump flip comment "corrupt:r0>r1"\n';
  await network.apply(composeLinks([first, second]));
  shell.table = 'counter packets 3 bytes 9 jump flip comment "corrupt:r0>r1"\n';
  await network.apply([]);
  assert.equal(shell.nodesThatRan("nft -f"), ["r1", "r1"]);
  assert.is((await network.evidence(first)).measured["corruptPackets"], 11);
  assert.is((await network.evidence(second)).measured["corruptPackets"], 3);
});

test("calls are served one at a time, and one that fails does not stop the next", async () => {
  const shell = new PretendShell();
  const network = await networkOn(shell);
  const first = fault("f0", isolate);
  await Promise.all([network.apply(composeLinks([first])), network.apply([]), network.apply([])]);
  assert.ok(shell.runningMax <= view.replicas.length, `${shell.runningMax} commands at once`);
  shell.refuse = "restore";
  const failed = await network.apply(composeLinks([first])).then(
    () => "",
    (error: unknown) => String(error),
  );
  assert.match(failed, /iptables-legacy-restore --noflush -w 5: exit code 2: refused/);
  shell.refuse = undefined;
  shell.ran = [];
  await network.apply(composeLinks([first]));
  assert.equal(shell.nodesThatRan("restore"), ["r0", "r1", "r2"]);
});

test("a delay without a mechanism is refused, a partition is not", async () => {
  const shell = new PretendShell();
  const topology = buildTopology(view.replicas);
  const network = new NetnsNetwork({
    topology,
    accessOf: accessTo(shell),
    backend: "nft",
    mechanism: undefined,
  });
  await network.prepare();
  await network.apply(composeLinks([fault("f0", isolate)]));
  const delay = fault("f1", { kind: "delay", delayMs: 5, jitterMs: 0, target: r1 });
  const refused = await network.apply(composeLinks([delay])).then(
    () => "",
    (error: unknown) => String(error),
  );
  assert.match(refused, /delay, reorder and replay need sch_netem or sch_htb/);
});

test("what an earlier run left is removed", async () => {
  const shell = new PretendShell();
  shell.counters = {
    r0: ":ORDEAL-IN - [0:0]\n:ORDEAL-POOL-0 - [0:0]\n[1:1] -A INPUT -j ORDEAL-IN\n",
  };
  shell.qdiscs = '[{"kind":"htb","handle":"1:","root":true}]';
  const topology = buildTopology(view.replicas);
  const network = new NetnsNetwork({
    topology,
    accessOf: (node) => ({ ...accessTo(shell)(node), isOurs: false }),
    backend: "legacy",
    mechanism: "htb",
  });
  await network.prepare();
  const onR0 = shell.ran.filter((each) => each.node === "r0").map((each) => each.stdin);
  assert.ok(onR0.some((stdin) => stdin.includes("-X ORDEAL-POOL-0")));
  assert.not(onR0.some((stdin) => stdin.includes("-I INPUT")));
  assert.ok(onR0.includes("qdisc del dev eth0 root\n"));
});

test.run();

import assert from "node:assert/strict";
import { release } from "node:os";
import { test } from "uvu";
import type { Finding, Probe } from "../../nemesis/host/probe.js";
import { UNSHARE } from "../../nemesis/host/probe.js";

import { NO_FINDINGS } from "../cluster/host-hands.js";
import { reportLines, reportOf } from "./report.js";
import { withRemedyThatHelps } from "./tools.js";

const ok = (name: string): Finding => ({ name, works: true, reason: "works" });
const no = (name: string, remedy?: string): Finding => ({
  name,
  works: false,
  reason: `no ${name} here`,
  ...(remedy !== undefined && { remedy }),
});

const TOOLS = ["setpriv", "UDP on loopback", "SQLite addon", "ssh"].map(ok);

const NOTHING_ELSE = {
  root: undefined,
  hands: { ...NO_FINDINGS, limits: true },
  uml: { lacks: "no program linux.uml" },
  docker: { lacks: "no daemon answers" },
  vagrant: { lacks: "no hosts are up", remedy: "ordeal vagrant up" },
  ssh: { lacks: "no inventory", remedy: "ordeal doctor --inventory <file>", untried: true },
} as const;

function probed(changes: Partial<Probe> = {}): Probe {
  return {
    findings: ["netns", "iptables-legacy", "iptables-legacy TEE", "iptables-legacy MARK", "tc htb"]
      .map(ok)
      .concat(no("tc netem", "apt-get install user-mode-linux kmod")),
    mode: "rootless",
    unshare: UNSHARE.rootless,
    backend: "legacy",
    canDuplicate: true,
    canMatchMessages: true,
    canCorrupt: true,
    canShape: true,
    mechanism: "htb",
    reason: "it works",
    ...changes,
  };
}

function nothing(): Probe {
  const findings = [no("unshare (rootless)", "sysctl -w kernel.unprivileged_userns_clone=1")];
  const { backend: _, mode: __, ...rest } = probed({ findings, canDuplicate: false });
  return {
    ...rest,
    backend: undefined,
    mode: undefined,
    mechanism: undefined,
    reason: "forbidden",
  };
}

test("a fault names the way it is made here, and what stands in the way of the better one", () => {
  const report = reportOf({ ...NOTHING_ELSE, rootless: probed() }, TOOLS);
  const delay = report.faults.find(({ kind }) => kind === "delay");
  assert.deepEqual(delay, {
    kind: "delay",
    environments: ["netns (rootless)", "local", "sim"],
    mechanism: "HTB delay line",
    reason: "tc netem: no tc netem here",
    remedy: "apt-get install user-mode-linux kmod",
  });
  const duplicate = report.faults.find(({ kind }) => kind === "duplicate");
  assert.deepEqual([duplicate?.mechanism, duplicate?.reason], ["iptables TEE", undefined]);
});

test("power is cut by ext4 where that was shown to work, else by the library alone", () => {
  const hands = { ...NO_FINDINGS, limits: true, disks: true };
  const cutBy = (...tools: readonly Finding[]) =>
    reportOf({ ...NOTHING_ELSE, rootless: probed(), hands }, [...TOOLS, ...tools]).faults.find(
      ({ kind }) => kind === "power-cut",
    );
  const both = cutBy(ok("C compiler"), ok("ext4 shutdown"));
  assert.equal(both?.mechanism, "ext4 shutdown; torn: LD_PRELOAD undo log");
  const library = cutBy(ok("C compiler"), no("ext4 shutdown", "run as root"));
  assert.equal(library?.mechanism, "LD_PRELOAD undo log");
  assert.deepEqual(
    [library?.reason, library?.remedy],
    ["ext4 shutdown: no ext4 shutdown here", "run as root"],
  );
});

test("a run takes namespaces where they work, in whichever mode, else the relay", () => {
  const first = reportOf({ ...NOTHING_ELSE, rootless: probed() }, TOOLS);
  assert.deepEqual([first.default, first.works], ["netns", true]);
  const second = reportOf({ ...NOTHING_ELSE, rootless: nothing() }, TOOLS);
  assert.deepEqual([second.default, second.works], ["local", true]);
  const third = reportOf({ ...NOTHING_ELSE, rootless: nothing() }, [no("UDP on loopback")]);
  assert.deepEqual([third.default, third.works], ["none", false]);
});

test("an environment that does not work makes no fault, and says why and what would help", () => {
  const report = reportOf({ ...NOTHING_ELSE, rootless: nothing() }, TOOLS);
  const rootless = report.environments.find(({ name }) => name === "netns (rootless)");
  assert.deepEqual(rootless, {
    name: "netns (rootless)",
    works: false,
    reason: "forbidden",
    remedy: "sysctl -w kernel.unprivileged_userns_clone=1",
    faults: [],
  });
  assert.ok(report.faults.every(({ environments }) => !environments.includes("netns (rootless)")));
});

test("what works in a kernel of our own is what was found inside", () => {
  const uml = probed({ mode: "root", mechanism: "netem", canDuplicate: false });
  const inside = { namespaces: uml, hands: { ...NO_FINDINGS, faketime: "/usr/lib/faketime.so" } };
  const report = reportOf({ ...NOTHING_ELSE, rootless: nothing(), uml: inside }, TOOLS);
  const found = report.environments.find(({ name }) => name === "uml");
  assert.equal(found?.reason, "boots; iptables-legacy, delay by netem");
  assert.ok(found?.faults.includes("delay") && !found.faults.includes("duplicate"));
  assert.ok(found?.faults.includes("clock") && !found.faults.includes("files"));
  assert.equal(report.default, "local", "it is never taken unasked");
});

test("machines that were looked at make what was found there; of others nothing is claimed", () => {
  const docker = { line: "containers", capabilities: new Set(["kill", "clock"] as const) };
  const report = reportOf({ ...NOTHING_ELSE, rootless: nothing(), docker }, [
    ...TOOLS,
    ...["docker", "vagrant"].map(ok),
  ]);
  const named = (name: string) => report.environments.find((each) => each.name === name);
  assert.deepEqual(named("docker"), {
    ...{ name: "docker", works: true, reason: "containers" },
    faults: ["kill", "clock"],
  });
  assert.deepEqual(
    [named("vagrant")?.works, named("vagrant")?.remedy],
    [false, "ordeal vagrant up"],
  );
  assert.deepEqual([named("ssh")?.works, named("ssh")?.untried], [false, true]);
  const clock = report.faults.find(({ kind }) => kind === "clock");
  assert.deepEqual(clock?.environments, ["sim", "docker"]);
  assert.match(reportLines(report).join("\n"), /^ssh +not tried +no inventory/m);
});

test("without setpriv a killed runner would leave its namespaces: netns is refused", () => {
  const tools = [...TOOLS.slice(1), no("setpriv", "apt-get install util-linux")];
  const report = reportOf({ ...NOTHING_ELSE, rootless: probed() }, tools);
  assert.equal(report.default, "local");
  const rootless = report.environments.find(({ name }) => name === "netns (rootless)");
  assert.equal(rootless?.remedy, "apt-get install util-linux");
});

test("no module can be loaded into a kernel that has none", () => {
  const helped = withRemedyThatHelps(no("tc netem", "modprobe sch_netem"));
  const other = withRemedyThatHelps(no("docker", "apt-get install docker.io"));
  assert.equal(other.remedy, "apt-get install docker.io");
  if (helped.remedy !== "modprobe sch_netem") {
    assert.match(helped.reason, new RegExp(`Linux ${release()} has no modules`));
    assert.match(helped.remedy ?? "", /--env uml/);
  }
});

test("the tables name every environment, every fault and every trial once", () => {
  const report = reportOf({ ...NOTHING_ELSE, rootless: probed() }, TOOLS);
  const lines = reportLines(report);
  for (const { name } of report.environments) {
    assert.equal(lines.filter((line) => line.startsWith(`${name}  `)).length >= 1, true, name);
  }
  for (const { kind } of report.faults) {
    assert.equal(lines.filter((line) => line.startsWith(`${kind} `)).length, 1, kind);
  }
  assert.equal(lines.at(-1), "a run without --env takes netns, which works here");
});

test.run();

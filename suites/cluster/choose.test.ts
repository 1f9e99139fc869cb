import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import { UsageError } from "../usage-error.js";
import { capabilitiesOf } from "./capabilities.js";
import { chooseEnvironment, type EnvironmentWish } from "./choose.js";
import { type HostFindings, NO_FINDINGS } from "./host-hands.js";
import { localCapabilities } from "./local.js";
import { insideSandbox, type Sandbox } from "./sandbox.js";

const VARIABLE = "ORDEAL_SANDBOX";
const SANDBOX: Sandbox = {
  mode: "rootless",
  backend: "nft",
  canDuplicate: false,
  canMatchMessages: false,
  canCorrupt: false,
  canShape: false,
  mechanism: "htb",
  reason: "it works here",
};

async function withVariable(text: string, body: () => unknown): Promise<void> {
  const before = process.env[VARIABLE];
  process.env[VARIABLE] = text;
  try {
    await body();
  } finally {
    if (before === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = before;
  }
}

test("what was asked for is what is chosen, and the line says so", async () => {
  const choice = await chooseEnvironment({ requested: "local" });
  assert.equal(choice.name, "local");
  assert.equal(choice.line, "environment local: processes behind a UDP relay (as asked)");
});

test("an unknown environment is refused by name", async () => {
  await assert.rejects(
    chooseEnvironment({ requested: "mars" }),
    (error) =>
      error instanceof UsageError &&
      error.message ===
        'no environment "mars": want netns or local or sim or docker or ssh or vagrant or uml',
  );
});

test("ssh wants an inventory, an inventory wants ssh, and its hosts must answer", async () => {
  const refusal = async (wish: EnvironmentWish) => {
    const error = await chooseEnvironment(wish).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  };
  assert.match(await refusal({ requested: "ssh" }), /pass --inventory/);
  assert.match(await refusal({ requested: "local", inventory: "hosts" }), /goes with --env ssh/);
  const folder = mkdtempSync(join(tmpdir(), "ordeal-test-"));
  const inventory = join(folder, "hosts");
  writeFileSync(inventory, "n0 address=127.0.0.1 port=1\n");
  // Nobody listens there, or there is no ssh here: either way the host is named, in one line.
  const message = await refusal({ requested: "ssh", inventory });
  assert.match(message, /^host n0 \(127\.0\.0\.1\): [^\n]+$/);
  rmSync(folder, { recursive: true });
});

test("without a wish, the choice is one line with its reason, and honours what is needed", async () => {
  const choice = await chooseEnvironment({ needed: ["partition", "delay", "kill"] });
  assert.match(choice.line, /^environment (netns|local): [^\n]+ \([^\n]+\)$/);
  for (const kind of ["partition", "delay", "kill"] as const) {
    assert.ok(choice.capabilities.has(kind));
  }
});

test("inside the sandbox the choice has been made outside", () =>
  withVariable(JSON.stringify(SANDBOX), async () => {
    assert.deepEqual(insideSandbox(), SANDBOX);
    const choice = await chooseEnvironment({});
    assert.equal(choice.name, "netns");
    assert.match(choice.line, /\(rootless\), iptables-nft, delay by htb \(it works here\)/);
    assert.ok(!choice.capabilities.has("duplicate"));
  }));

test("a sandbox variable that is not ours is refused", () =>
  withVariable("yes", () => assert.throws(insideSandbox, /ORDEAL_SANDBOX is set by ordeal/)));

test("netns can do what its mechanisms can do", () => {
  const always = ["kill", "kill-at", "lie", "loss", "partition", "pause", "slow-cpu", "terminate"];
  const kinds = (can: boolean, mechanism: "htb" | undefined) => {
    const means = { canDuplicate: can, canMatchMessages: can, canCorrupt: can, canShape: can };
    return [...capabilitiesOf({ ...means, backend: "nft", mechanism }, NO_FINDINGS)].sort();
  };
  assert.deepEqual(kinds(false, undefined), always);
  assert.deepEqual(
    kinds(true, "htb"),
    [
      ...always,
      ...["bandwidth", "clog", "corrupt", "delay", "duplicate", "message", "reorder", "replay"],
    ].sort(),
  );
});

test("links are held shut without nft, and narrowed only with it", () => {
  const means = { canDuplicate: true, canMatchMessages: true, canCorrupt: false, canShape: true };
  const kinds = capabilitiesOf({ ...means, backend: "legacy", mechanism: "netem" }, NO_FINDINGS);
  assert.ok(kinds.has("clog") && !kinds.has("bandwidth") && !kinds.has("corrupt"));
});

test("what needs a library, a program or rights can be done where they were found", () => {
  const kinds = (found: HostFindings) => [...localCapabilities(found)];
  for (const kind of ["clock", "strobe", "files", "memory", "freeze"] as const) {
    assert.ok(!kinds(NO_FINDINGS).includes(kind), kind);
  }
  const disks = kinds({ ...NO_FINDINGS, disks: true });
  assert.ok(disks.includes("power-cut") && !kinds(NO_FINDINGS).includes("power-cut"));
  const library = kinds({ ...NO_FINDINGS, faketime: "/usr/lib/libfaketimeMT.so.1" });
  assert.ok(library.includes("clock") && library.includes("strobe"));
  const limits = kinds({ ...NO_FINDINGS, limits: true });
  assert.ok(limits.includes("files") && limits.includes("memory") && !limits.includes("freeze"));
  const place = { version: 1, folder: "/sys/fs/cgroup" } as const;
  const groups = kinds({ ...NO_FINDINGS, cgroups: { memory: place, freezer: place } });
  assert.ok(groups.includes("freeze") && groups.includes("memory") && !groups.includes("files"));
});

test.run();

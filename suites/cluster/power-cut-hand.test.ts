// Power cuts on a file system of the node's own: a process in place of a replica, mounts in a namespace that
// ends with the test.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { suite } from "uvu";
import type { ResolvedFault } from "../../nemesis/faults.js";
import { Ext4Disk } from "../../nemesis/host/ext4-disk.js";
import { must, prefixedShell } from "../../nemesis/host/shell.js";
import { probeHands } from "./host-hands.js";
import { OWN_BUILD } from "./layout.js";
import { localMachine } from "./local-machine.js";
import type { Deed, NodeHost } from "./node-hand.js";
import { PowerCutHand } from "./power-cut-hand.js";
import { WITH_US } from "./sandbox.js";

const test = suite<{ host: NodeHost; hand: PowerCutHand }>("power cuts by ext4");
const found = await probeHands(localMachine.shell, ["power-cut"]);
if (!found.ext4) {
  console.log("skipped: power cuts by ext4: no loop device that this user may mount an ext4 from");
}
const shown = found.ext4 ? test : test.skip;

const FOLDER = "/run/r0";
let keeper: ChildProcess | undefined;

test.before.each(async (context) => {
  if (!found.ext4) return;
  const stay = "mount -t tmpfs tmpfs /run && echo ready && exec sleep 600";
  const [file, ...args] = WITH_US;
  const argv = [...args, String(process.pid), "unshare", "-m", "sh", "-c", stay];
  const child = spawn(file, argv, { stdio: ["ignore", "pipe", "inherit"] });
  keeper = child;
  await once(child.stdout, "data");
  context.hand = new PowerCutHand(1);
  context.host = {
    node: "r0",
    shell: prefixedShell(localMachine.shell, ["nsenter", `--mount=/proc/${child.pid}/ns/mnt`]),
    folder: FOLDER,
    image: "/run/image",
    runtimeFolder: "/run",
    execPath: process.execPath,
    ownBuild: OWN_BUILD,
    register: localMachine.register,
    pid: undefined,
    ask: async () => undefined,
  };
  await context.hand.prepare(context.host);
});
test.after.each(async ({ hand }) => {
  await hand?.close();
  keeper?.kill("SIGKILL");
});

type Subject = { host: NodeHost; hand: PowerCutHand };

/** Runs these statements on the node's disk; it ends as by SIGKILL. */
async function live({ host, hand }: Subject, statements: string): Promise<void> {
  const program = `
    const fs = require("node:fs");
    const open = (name) => fs.openSync(${JSON.stringify(`${FOLDER}/`)} + name, "a");
    const syncFolder = () => fs.fsyncSync(fs.openSync(${JSON.stringify(FOLDER)}, "r"));
    ${statements}`;
  const { variables } = hand.launch(host);
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  await must(host.shell, ["env", ...words, host.execPath, "-e", program]);
}

async function cut(subject: Subject, id: string, unsynced: "lost" | "torn"): Promise<Deed> {
  const intent = { kind: "power-cut", unsynced, target: { kind: "none" } } as const;
  const fault: ResolvedFault = { id, intent, nodes: ["r0"], links: [] };
  return subject.hand.bringDown(fault, subject.host, async () => "SIGKILL");
}

/** What is in the node's folder: names and contents. */
async function left({ host }: Subject): Promise<string> {
  const script = `cd ${FOLDER} && for file in *; do echo "$file: $(cat "$file")"; done`;
  return (await must(host.shell, ["sh", "-c", script])).stdout.trim();
}

const RECORDS = `
  const log = open("protocol.log");
  fs.writeSync(log, "synced "); fs.fdatasyncSync(log); syncFolder();
  fs.writeSync(log, "unsynced "); fs.writeSync(open("ledger.sqlite"), "unsynced");`;

shown("what was synced survives, what was not is gone, again and again", async (context) => {
  for (const [id, expected] of [
    ["f1", "protocol.log: synced"],
    ["f2", "protocol.log: synced synced"],
  ] as const) {
    await live(context, RECORDS);
    const deed = await cut(context, id, "lost");
    assert.ok(deed.landed, deed.did);
    assert.equal(deed.mechanism, "SIGKILL, and an ext4 shutdown");
    assert.deepEqual(deed.measured, { writes: 2, bytes: 17, canaries: "proved", unseen: 0 });
    assert.equal(await left(context), expected);
  }
});

shown("after an ext4 shutdown the library has nothing left to undo", async (context) => {
  await live(context, RECORDS);
  await cut(context, "f1", "lost");
  // Written under no library, so that only its old notes could take it away.
  await must(context.host.shell, ["sh", "-c", `echo new >${FOLDER}/ledger.sqlite`]);
  const deed = await cut(context, "f2", "torn");
  assert.equal(deed.mechanism, "SIGKILL, and an undo of what was not synced");
  assert.equal(deed.measured["writes"], 0);
  assert.equal(await left(context), "ledger.sqlite: new\nprotocol.log: synced");
});

shown("what the library left of a torn cut is not lost with the next one", async (context) => {
  await live(context, RECORDS);
  await cut(context, "f1", "torn");
  const torn = await left(context);
  await cut(context, "f2", "lost");
  assert.equal(await left(context), torn);
});

shown(
  "a disk that cannot be mounted leaves the cut to the library, and says why",
  async (context) => {
    const { host } = context;
    const other = { ...host, node: "r1", folder: "/run/r1", image: "/run/no/image" };
    await context.hand.prepare(other);
    const fault: ResolvedFault = {
      id: "f1",
      intent: { kind: "power-cut", unsynced: "lost", target: { kind: "none" } },
      nodes: ["r1"],
      links: [],
    };
    const deed = await context.hand.bringDown(fault, other, async () => "SIGKILL");
    assert.equal(deed.mechanism, "SIGKILL, and an undo of what was not synced");
    assert.match(String(deed.measured["noExt4"]), /no\/image/);
  },
);

shown("a disk that was only unmounted has proved nothing", async ({ host }) => {
  const paths = { tool: "true", image: "/run/other-image", folder: "/run/other" };
  const disk = new Ext4Disk(host.shell, paths);
  await disk.make();
  assert.equal(await disk.cut(), false);
  await disk.remove();
});

test.run();

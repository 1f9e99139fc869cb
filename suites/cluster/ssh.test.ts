// The environment over a pretended ssh: all but the wire and the packet filter. The conformance suite
// over a real sshd is testing/conformance-ssh-main.ts.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import type { ResolvedFault } from "../../nemesis/faults.js";
import { UsageError } from "../usage-error.js";
import type { Environment } from "./environment.js";
import { parseInventory } from "./inventory.js";
import { nodeFiles } from "./layout.js";
import { createSsh, openHosts, type SshHosts } from "./ssh.js";
import { remoteCommand, sshOptions } from "./ssh-connection.js";
import { archivesOf, ship } from "./ssh-hosts.js";
import { writeFakeBuild } from "./testing/fake-build.js";
import { useFakeSsh } from "./testing/fake-ssh.js";
import { processesUnder } from "./testing/leftovers.js";

/** Loopback addresses that no other test has. */
const NET = `127.${1 + (process.pid % 200)}.${(process.pid >> 8) % 200}`;

let folder: string;
let restore: () => void;
let hosts: SshHosts;

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "ordeal-test-"));
  restore = useFakeSsh(folder);
  hosts = await openHosts(parseInventory(inventory(), "hosts"), ["kill"]);
});
test.after(async () => {
  await hosts.close();
  restore();
  assert.deepEqual(processesUnder(folder), [], "nothing that was started still runs");
  rmSync(folder, { recursive: true });
});

function inventory(extra = ""): string {
  const replicas = [1, 2, 3, 4].map((n) => `n${n} address=${NET}.${n} user=ordeal`);
  return [...replicas, `k address=${NET}.5 role=client`, extra].join("\n");
}

function create(directory: string): Environment {
  const build = join(folder, "build");
  writeFakeBuild(build);
  const options = { replicas: 4, clientProcesses: 1, directory, protocol: {}, build, seed: 1 };
  return createSsh(options, hosts, { name: "ssh", reason: "a test" }, 2_000);
}

function fault(kind: "kill" | "pause", id: string, node: string): ResolvedFault {
  const target = { kind: "nodes", nodes: [node] } as const;
  return { id, intent: { kind, target }, nodes: [node], links: [] };
}

const homeOf = (n: number) => join(folder, "hosts", `${NET}.${n}`);

test("without root there, processes can be harmed and links cannot", () => {
  const kinds = ["kill", "kill-at", "lie", "pause", "slow-cpu", "terminate"];
  assert.deepEqual([...hosts.capabilities].sort(), kinds);
  assert.match(hosts.line, /^5 hosts by ssh, iptables-none, delay by nothing$/);
});

test("a cluster runs on its hosts, is harmed there, and what it left is brought home", async () => {
  const directory = join(folder, "run");
  const environment = create(directory);
  await environment.start();
  const seen = await environment.observe();
  assert.deepEqual(
    seen.map(({ node, alive, status }) => [node, alive, status?.executedSeq]),
    [0, 1, 2, 3].map((id) => [`r${id}`, true, 1]),
  );
  const call = { id: 7, session: 3, f: "get", value: { account: "A" }, timeoutMs: 5_000 };
  assert.equal((await environment.call("c0", call)).type, "ok");

  await environment.apply(fault("pause", "f1", "r2"));
  assert.deepEqual((await environment.observe())[2], { node: "r2", alive: true });
  assert.equal((await environment.heal("f1")).landed, true);
  await environment.apply(fault("kill", "f2", "r1"));
  assert.deepEqual((await environment.observe())[1], { node: "r1", alive: false });
  assert.equal((await environment.heal("f2")).landed, true);
  assert.equal((await environment.observe())[1]?.status?.executedSeq, 2, "its second life");

  const there = join(homeOf(1), ".cache", "ordeal");
  assert.equal(readdirSync(join(there, "runs")).length, 1);
  await environment.stop();
  assert.deepEqual(environment.unexpectedExits(), []);
  const files = nodeFiles(directory, "r1");
  assert.equal(
    readFileSync(join(files.folder, "protocol.log"), "utf8").trim().split("\n").length,
    2,
  );
  assert.match(readFileSync(files.log, "utf8"), /"event":"started"/);
  assert.equal(readFileSync(files.exits, "utf8").trim().split("\n").length, 2);
  assert.deepEqual(readdirSync(join(there, "runs")), [], "nothing of the run stays there");
  assert.equal(readdirSync(join(there, "builds")).length, 1);
});

test("the build is shipped once", async () => {
  const [probed] = hosts.hosts;
  assert.ok(probed);
  const archive = archivesOf(join(folder, "build"))(probed.platform);
  const shipped = await ship(probed, { ...archive, pack: () => assert.fail("packed again") });
  assert.equal(shipped, join(homeOf(1), ".cache", "ordeal", "builds", archive.hash));
  // A copy that was given up half-way is no copy.
  rmSync(join(shipped, ".complete"));
  await ship(probed, archive);
  assert.ok(existsSync(join(shipped, ".complete")));
});

test("a host that cannot be reached, has no node, or another address is named in one line", async () => {
  const cases: readonly [string, RegExp][] = [
    [`x address=${NET}.255`, /^host x \(.*\.255\): .*No route to host/],
    [`x address=${NET}.9 node=/no/such/node`, /^host x .* has no \/no\/such\/node: install Node/],
    [`x address=${NET}.9 listen=10.9.9.9`, /^host x .* no device with the address 10\.9\.9\.9/],
  ];
  for (const [line, wanted] of cases) {
    await assert.rejects(openHosts(parseInventory(line, "hosts")), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, wanted);
      return !error.message.includes("\n");
    });
  }
});

test("a command reaches the host as it was, whatever is in it", () => {
  assert.equal(
    remoteCommand(["echo", "it's $HOME"], true),
    `sh -c 'PATH="$PATH:/usr/sbin:/sbin" LC_ALL=C exec sudo -n -- echo '\\''it'\\''\\'\\'''\\''s $HOME'\\'''`,
  );
});

test("the connection asks nobody, is shared, and trusts a host once", () => {
  const [host] = parseInventory("n address=h.example port=2222 identity=/k", "hosts");
  assert.ok(host);
  const options = sshOptions(host, "/tmp/s", "/tmp/known");
  for (const wanted of [
    ...["BatchMode=yes", "ControlMaster=auto", "ControlPath=/tmp/s", "IdentityFile=/k"],
    ...["StrictHostKeyChecking=accept-new", "UserKnownHostsFile=/tmp/known", "IdentitiesOnly=yes"],
  ]) {
    assert.ok(options.includes(wanted), wanted);
  }
  assert.deepEqual(options.slice(-2), ["-p", "2222"]);
});

test.run();

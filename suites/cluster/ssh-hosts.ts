// Hosts reached by ssh: what they are and can do, the build they need, and an agent on each.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { FaultKind } from "../../nemesis/faults.js";
import { type LinkMeans, NO_LINK_MEANS } from "../../nemesis/host/probe.js";
import { deviceOf, probeHostFaults } from "../../nemesis/host/remote-host.js";
import { must, ShellError } from "../../nemesis/host/shell.js";
import { oneLine, UsageError } from "../usage-error.js";
import { AgentMachine } from "./agent-machine.js";
import {
  ARCHIVE_AGENT,
  type BuildArchive,
  listBuild,
  type Platform,
  packBuild,
} from "./build-archive.js";
import { type HostFindings, probeHands } from "./host-hands.js";
import type { Host } from "./inventory.js";
import { parseObject } from "./json-lines.js";
import { SshConnection } from "./ssh-connection.js";

/** What was found on a host. */
export type ProbedHost = {
  host: Host;
  connection: SshConnection;
  platform: Platform;
  /** Absolute. */
  execPath: string;
  /** For builds and runs, in the user's home. */
  base: string;
  device: string;
  faults: LinkMeans;
  hands: HostFindings;
};

/** Compiling SQLite takes a minute or two. */
const ADDON_MS_MAX = 300_000;

/** Connects, and looks around. Throws UsageError, naming the host, where nodes cannot run there. */
export async function probeHost(
  host: Host,
  folder: string,
  needed: readonly FaultKind[],
): Promise<ProbedHost> {
  const connection = new SshConnection(host, folder);
  try {
    return await probe(host, connection, needed);
  } catch (error) {
    await connection.close();
    if (error instanceof ShellError) {
      throw new UsageError("environment", `host ${host.name} (${host.address}): ${oneLine(error)}`);
    }
    throw error;
  }
}

async function probe(
  host: Host,
  connection: SshConnection,
  needed: readonly FaultKind[],
): Promise<ProbedHost> {
  const shell = connection.shell("user");
  const { stdout } = await must(shell, ["sh", "-c", 'uname -s; id -u; printf "%s" "$HOME"']);
  const [system, uid, home = ""] = stdout.split("\n");
  if (system !== "Linux") throw refused(host, `runs ${system}; nodes are only run on Linux`);
  const { execPath, platform } = await probeNode(host, connection);
  if (host.sudo && uid !== "0") await must(connection.shell("root"), ["true"]);
  const device = await deviceOf(shell, host.listen);
  if (device === undefined) {
    throw refused(host, `has no device with the address ${host.listen}: set listen=<address>`);
  }
  const isRoot = uid === "0" || host.sudo;
  const faults = isRoot ? await probeHostFaults(connection.shell("root")) : NO_LINK_MEANS;
  const hands = await probeHands(connection.shell("root"), needed);
  return {
    ...{ host, connection, platform, execPath, device, faults, hands },
    base: join(home, ".cache", "ordeal"),
  };
}

async function probeNode(host: Host, connection: SshConnection) {
  const script =
    "console.log(JSON.stringify({ version: process.versions.node, os: process.platform," +
    " arch: process.arch, execPath: process.execPath }))";
  const said = await connection.shell("user").run([host.node, "-e", script]);
  const { version, os, arch, execPath } = parseObject(said.stdout) ?? {};
  const known = [version, os, arch, execPath].every((each) => typeof each === "string");
  if (said.exitCode !== 0 || !known) {
    throw refused(host, `has no ${host.node}: install Node 20.19 or newer, or set node=<path>`);
  }
  const [major = 0, minor = 0] = String(version).split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw refused(host, `has Node ${version}: install 20.19 or newer, or set node=<path>`);
  }
  return {
    execPath: String(execPath),
    platform: { os: String(os), arch: String(arch) },
  };
}

/** The archive for each platform, made once. */
export function archivesOf(build: string): (platform: Platform) => Archive {
  const made = new Map<string, Archive>();
  return (platform) => {
    const key = `${platform.os}-${platform.arch}`;
    const known = made.get(key);
    if (known !== undefined) return known;
    const listed = listBuild(build, platform);
    let packed: Buffer | undefined;
    const archive = { ...listed, pack: () => (packed ??= packBuild(listed)) };
    made.set(key, archive);
    return archive;
  };
}

export type Archive = BuildArchive & { pack: () => Buffer };

/** Ships the build, if it is not there; resolves to its folder on the host. */
export async function ship(probed: ProbedHost, archive: Archive): Promise<string> {
  const { connection, base } = probed;
  const folder = join(base, "builds", archive.hash);
  const shell = connection.shell("root");
  // The file is made last: a folder without it was given up half-way.
  const complete = join(folder, ".complete");
  if ((await shell.run(["test", "-e", complete])).exitCode === 0) return folder;
  const part = `${folder}.${randomBytes(4).toString("hex")}`;
  const unpack = ["sh", "-c", 'mkdir -p "$0" && tar -xz -C "$0"', part];
  await connection.send(unpack, "root", archive.pack());
  await loadAddon(probed, part);
  // Another runner may have been quicker: then this copy is not needed.
  const publish =
    '[ -e "$1/.complete" ] && rm -rf "$0" || { rm -rf "$1" && mv "$0" "$1" && touch "$1/.complete"; }';
  await must(shell, ["sh", "-c", publish, part, folder]);
  return folder;
}

/** SQLite's native part is our platform's; where it does not load it is made there. */
async function loadAddon({ connection, execPath, host }: ProbedHost, where: string): Promise<void> {
  const shell = connection.shell("root");
  const load = [execPath, "-e", 'new (require(process.argv[1]))(":memory:").close()'];
  const loads = async () =>
    (await shell.run([...load, join(where, "node_modules/better-sqlite3")])).exitCode === 0;
  if (await loads()) return;
  const make =
    'cd "$0" && version=$("$1" -p "require(\'./node_modules/better-sqlite3/package.json\').version") &&' +
    " npm install --no-save --no-audit --no-fund --ignore-scripts=false better-sqlite3@$version";
  const made = await shell.run(["sh", "-c", make, where, execPath], { deadlineMs: ADDON_MS_MAX });
  if (made.exitCode === 0 && (await loads())) return;
  await shell.run(["rm", "-rf", where]);
  const words = made.stderr.trim().split("\n").at(-1) ?? "";
  throw refused(
    host,
    `cannot load SQLite's addon, nor make one (needs npm, python3, make, g++): ${words}`,
  );
}

/** An agent there, with a folder for this run. */
export async function startAgent(
  { connection, execPath }: ProbedHost,
  shipped: string,
  folder: string,
): Promise<AgentMachine> {
  const argv = [execPath, join(shipped, ARCHIVE_AGENT), folder];
  return AgentMachine.connect(connection.carrier(argv, "root"));
}

function refused({ name, address }: Host, why: string): UsageError {
  return new UsageError("environment", `host ${name} (${address}) ${why}`);
}

// Images for nodes. Without a registry: this machine's own node and tools, with the libraries that they
// load, as one imported layer. Elsewhere (no Linux) the image of vagrant/Dockerfile, from a registry. Each
// is named by its content, and so is the one with the build on top: a second run makes nothing.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { findFaketime } from "../../nemesis/host/faketime.js";
import { localShell, must } from "../../nemesis/host/shell.js";
import { oneLine, UsageError } from "../usage-error.js";
import { archiveEntries, listBuild, type Platform } from "./build-archive.js";
import { docker, dockerLabel } from "./docker-client.js";
import { type TarEntry, tarOf } from "./tar.js";

/** Where the build lies in the image. */
export const IMAGE_BUILD = "/opt/ordeal";
const REPOSITORY = "ordeal";
const PATH = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const BUILD_MS_MAX = 600_000;
/** It starts each program for a moment. */
const LDD_MS_MAX = 120_000;
const DOCKERFILE = fileURLToPath(new URL("../../../vagrant/Dockerfile", import.meta.url));

/** What commands of ours and of faults need inside. */
const TOOLS = [
  ...[
    "sh",
    "env",
    "id",
    "ls",
    "cat",
    "rm",
    "mkdir",
    "mv",
    "touch",
    "test",
    "sleep",
    "true",
    "kill",
  ],
  ...[
    "uname",
    "head",
    "tr",
    "cut",
    "grep",
    "sed",
    "awk",
    "tar",
    "gzip",
    "ps",
    "setpriv",
    "nsenter",
  ],
  ...["ip", "tc", "nft", "dd", "df", "truncate", "stat", "sync", "cp", "rmdir", "mktemp"],
  ...["base64", "date", "prlimit", "sha256sum"],
];
const IPTABLES = ["legacy", "nft"].flatMap((backend) =>
  ["", "-save", "-restore"].map((part) => `iptables-${backend}${part}`),
);
/** Extensions of iptables, loaded by name. */
const EXTENSIONS =
  /^lib(xt|ipt)_(standard|udp|tcp|comment|statistic|mark|MARK|CLASSIFY|TEE|u32|recent|length|addrtype|REJECT)\.so$/;

export type NodeImage = { name: string; execPath: string };

/** The image with node and tools; made where it is not there. Throws UsageError where it cannot be. */
export async function baseImage(): Promise<NodeImage> {
  if (process.platform !== "linux") {
    return { name: await dockerfileImage("node"), execPath: "/usr/local/bin/node" };
  }
  return { name: await imageOf("base", await ownFiles()), execPath: process.execPath };
}

/** An imported image of these files, named by them and by `salt`; `late` makes more when it is made. */
export async function imageOf(
  part: string,
  entries: readonly TarEntry[],
  {
    salt = "",
    command = [],
    late,
  }: { salt?: string; command?: readonly string[]; late?: () => Promise<readonly TarEntry[]> } = {},
): Promise<string> {
  const hash = createHash("sha256").update(`${salt}\0${JSON.stringify(command)}\0`);
  for (const { name, content } of entries) hash.update(`${name}\0`).update(content);
  const name = `${REPOSITORY}-${part}:${hash.digest("hex").slice(0, 16)}`;
  if (await exists(name)) return name;
  const all = [...entries, ...((await late?.()) ?? [])];
  const changes = [PATH, ...(command.length === 0 ? [] : [`CMD ${JSON.stringify(command)}`])];
  const options = changes.flatMap((change) => ["--change", change]);
  await docker(["import", ...options, "-", name], { input: tarOf(all) });
  return name;
}

/** A target of vagrant/Dockerfile, from a registry. Throws UsageError where it cannot be built. */
export async function dockerfileImage(
  target: string,
  options: readonly string[] = [],
): Promise<string> {
  const hash = createHash("sha256").update(readFileSync(DOCKERFILE)).update(options.join("\0"));
  const name = `${REPOSITORY}-${target}:${hash.digest("hex").slice(0, 16)}`;
  if (await exists(name)) return name;
  const argv = ["build", "-t", name, "--target", target, ...options, resolve(DOCKERFILE, "..")];
  try {
    await docker(argv, { deadlineMs: BUILD_MS_MAX });
  } catch (error) {
    throw new UsageError("environment", `${DOCKERFILE} could not be built: ${oneLine(error)}`);
  }
  return name;
}

/** The image with the build on top of the base. */
export async function runImage(base: NodeImage, build: string): Promise<string> {
  const platform: Platform = { os: "linux", arch: process.arch };
  const archive = listBuild(build, platform);
  const tag = createHash("sha256").update(`${base.name} ${archive.hash}`).digest("hex");
  const name = `${REPOSITORY}-run:${tag.slice(0, 16)}`;
  if (await exists(name)) return name;
  const entries = archiveEntries(archive).map((entry) => ({
    ...entry,
    name: join(IMAGE_BUILD, entry.name).slice(1),
  }));
  // Not by `docker build`, which some daemons lack: a container that never runs takes the files.
  const label = dockerLabel();
  const created = await docker(["create", "--label", label, base.name, "true"]);
  const container = created.trim();
  try {
    await docker(["cp", "-", `${container}:/`], { input: tarOf(entries) });
    await docker(["commit", container, name]);
  } finally {
    await docker(["rm", "-f", container]);
  }
  return name;
}

async function exists(name: string): Promise<boolean> {
  return (await docker(["images", "-q", name])).trim() !== "";
}

/** Node, the tools and all that they load, as they lie on this machine. */
export async function ownFiles(more: readonly string[] = []): Promise<readonly TarEntry[]> {
  const programs = new Map<string, string>(
    [process.execPath, ...more].map((path) => [path, realpathSync(path)]),
  );
  const missing: string[] = [];
  for (const tool of [...TOOLS, ...IPTABLES]) {
    const path = findProgram(tool);
    if (path === undefined) missing.push(tool);
    else programs.set(path, realpathSync(path));
  }
  const needed = ["ip", "tc", "sh"].filter((tool) => missing.includes(tool));
  if (needed.length > 0 || IPTABLES.every((tool) => missing.includes(tool))) {
    throw new UsageError(
      "environment",
      `--env docker: the image is made of this machine's tools, and ${[...needed, "iptables"][0]} is ` +
        "missing: apt-get install iproute2 iptables",
    );
  }
  const files = new Map(programs);
  for (const path of extensionFiles()) files.set(path, path);
  const faketime = await findFaketime(localShell());
  if (faketime !== undefined) files.set(faketime, faketime);
  for (const path of await librariesOf([...files.values()])) files.set(path, path);
  const entries = [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, real]) => ({
      name: path.slice(1),
      content: readFileSync(real),
      mode: 0o755,
    }));
  const folders = ["run/.keep", "tmp/.keep", "etc/.keep", "root/.keep"];
  return [...entries, ...folders.map((name) => ({ name, content: Buffer.alloc(0) }))];
}

const FOLDERS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"];

function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find(existsSync);
}

function extensionFiles(): readonly string[] {
  const folders = [
    "/usr/lib/x86_64-linux-gnu/xtables",
    "/usr/lib/aarch64-linux-gnu/xtables",
    "/usr/lib64/xtables",
    "/usr/lib/xtables",
  ];
  return folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => EXTENSIONS.test(file))
      .map((file) => join(folder, file)),
  );
}

/** By ldd, where the loader itself looks for them. A program that loads none is told on stderr only. */
async function librariesOf(files: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await localShell().run(["ldd", ...files], { deadlineMs: LDD_MS_MAX });
  const found = [...stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(([, path = ""]) => path);
  if (found.length === 0) await must(localShell(), ["ldd", process.execPath]);
  return [...new Set(found)];
}

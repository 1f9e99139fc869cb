// What a host needs to run nodes and an agent, as one archive named by what is in it: compiled files,
// and the packages that they load. The same content has the same name, so a host that has it gets
// nothing again.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { diskPrograms } from "./disk-programs.js";
import { isObject } from "./json-lines.js";
import { OWN_BUILD } from "./layout.js";
import { type TarEntry, tarOf } from "./tar.js";

/** The project, whose dist/ and node_modules/ are ours. */
const ROOT = resolve(fileURLToPath(new URL("../../../", import.meta.url)));

/** Packages that nodes and agents load; those they depend on come along. */
const PACKAGES = ["better-sqlite3", "sodium-native", "execa"];
/** Needed when a package is installed, never when it runs. */
const NOT_LOADED = ["prebuild-install"];

/** A kind of machine, as node names it: "linux", "x64". */
export type Platform = { os: string; arch: string };

export type BuildArchive = {
  /** Of the content; the name of its folder on a host. */
  hash: string;
  /** The files' names in it, with where each lies here. */
  files: ReadonlyMap<string, string>;
};

/** Paths of the main files in the archive. */
export const ARCHIVE_AGENT = "dist/suites/cluster/agent-main.js";
/** The folder in it of our own compiled files. */
export const ARCHIVE_OWN = "dist";
/** The folder in it that stands for `build`. */
export function archiveBuild(build: string): string {
  return resolve(build) === join(ROOT, "dist") ? ARCHIVE_OWN : "build";
}

/** `build` is the one whose node/ is to be run; agents are always ours. */
export function listBuild(build: string, platform: Platform): BuildArchive {
  const files = new Map<string, string>([["package.json", join(ROOT, "package.json")]]);
  const add = (folder: string, name: string, wanted: (path: string) => boolean) => {
    for (const path of filesBelow(folder)) {
      const inside = relative(folder, path);
      if (wanted(inside)) files.set(join(name, inside), path);
    }
  };
  for (const part of ["node", "nemesis", "suites"]) {
    add(join(ROOT, "dist", part), join("dist", part), isCompiled);
  }
  if (archiveBuild(build) === "build") {
    add(join(build, "node"), "build/node", isCompiled);
    const own = join(build, "package.json");
    if (existsSync(own)) files.set("build/package.json", own);
  }
  for (const name of packagesWith(PACKAGES)) {
    add(join(ROOT, "node_modules", name), join("node_modules", name), (path) =>
      isLoaded(path, platform),
    );
  }
  const disk = diskPrograms();
  if ("programs" in disk && platform.os === process.platform && platform.arch === process.arch) {
    for (const path of Object.values(disk.programs)) {
      files.set(join(ARCHIVE_OWN, relative(OWN_BUILD, path)), path);
    }
  }
  const hash = createHash("sha256");
  for (const [name, path] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\0`).update(createHash("sha256").update(readFileSync(path)).digest());
  }
  return { hash: hash.digest("hex").slice(0, 16), files };
}

/** As a gzipped tar. */
export function packBuild(archive: BuildArchive): Buffer {
  return gzipSync(tarOf(archiveEntries(archive)), { level: 6 });
}

/** With the content of each. */
export function archiveEntries({ files }: BuildArchive): readonly TarEntry[] {
  return [...files].map(([name, path]) => ({
    name,
    content: readFileSync(path),
    mode: statSync(path).mode & 0o755,
  }));
}

function isCompiled(path: string): boolean {
  return path.endsWith(".js") && !path.endsWith(".test.js") && !path.includes("testing/");
}

/** Leaves out sources, types, maps and other platforms' native parts. */
function isLoaded(path: string, { os, arch }: Platform): boolean {
  if (path.startsWith("prebuilds/")) return path.startsWith(`prebuilds/${os}-${arch}/`);
  return path === "build/Release/better_sqlite3.node" || /\.(js|cjs|mjs|json)$/.test(path);
}

function packagesWith(roots: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const visit = (name: string) => {
    const manifest = join(ROOT, "node_modules", name, "package.json");
    if (found.has(name) || NOT_LOADED.includes(name) || !existsSync(manifest)) return;
    found.add(name);
    const parsed: unknown = JSON.parse(readFileSync(manifest, "utf8"));
    const dependencies = isObject(parsed) ? parsed["dependencies"] : undefined;
    if (isObject(dependencies)) Object.keys(dependencies).forEach(visit);
  };
  roots.forEach(visit);
  return [...found];
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

// The run store: `store/<suite>/<time>-<seed>/` holds all that a verdict is judged from, and the
// verdict; `store/latest` is the newest run. A run that was killed leaves what it had recorded.

import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { LedgerDump } from "../checker/run-record.js";
import type { Verdict } from "../checker/verdict.js";
import type { FaultRecord } from "../nemesis/faults.js";
import { errorCode, replaceFile } from "./append-file.js";
import { parseJsonObject, readJsonLines } from "./json-lines.js";
import { readLedgerFiles } from "./ledger-file.js";
import { RUN_META_VERSION, type RunMeta } from "./run-meta.js";
import { UsageError } from "./usage-error.js";

/** Makes the store where it is not, and proves that it can be written. One line where it cannot. */
export function openStore(store: string): string {
  const root = resolve(store);
  try {
    makeFolders(root);
    accessSync(root, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new UsageError(
      "store-unwritable",
      `the store ${root} cannot be written (${errorCode(error)}): pass another with --store`,
    );
  }
  return root;
}

/** Makes the folder of a new run. `startedAt` is ISO 8601 with milliseconds. */
export function createRunDirectory(
  root: string,
  { suite, startedAt, seed }: { suite: string; startedAt: string; seed: number },
): string {
  const time = startedAt.replaceAll(/[-:]/g, "");
  const directory = join(root, suite, `${time}-${seed}`);
  try {
    makeFolders(join(directory, "replicas"));
  } catch (error) {
    throw new UsageError(
      "store-unwritable",
      `${directory} cannot be made (${errorCode(error)}): pass another place with --store`,
    );
  }
  return directory;
}

/** From the top down: where a parent exists and takes no folder (/proc), Node's own never returns. */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error; // Another run made it meanwhile.
  }
}

/** Points `latest` at this run. */
export function linkLatest(root: string, directory: string): void {
  const fresh = join(root, `.latest-${process.pid}`);
  rmSync(fresh, { force: true });
  symlinkSync(relative(root, directory), fresh);
  renameSync(fresh, join(root, "latest"));
}

export function writeMeta(directory: string, meta: RunMeta): void {
  replaceFile(join(directory, "run.json"), `${JSON.stringify(meta, null, 2)}\n`);
}

/**
 * Checks in the order they ran, two spaces, a newline at the end: one text for one verdict. The
 * smallest history that fails has a file of its own.
 */
export function verdictText(verdict: Verdict): string {
  const checks = Object.entries(verdict.checks).map(([name, { smallest: _, ...check }]) => {
    return [name, check];
  });
  return `${JSON.stringify({ ...verdict, checks: Object.fromEntries(checks) }, null, 2)}\n`;
}

/** The run folder that a user means, without links: store/latest is soon another. */
export function findRun(path: string): string {
  const directory = resolve(path);
  if (existsSync(join(directory, "run.json"))) return realpathSync(directory);
  if (!existsSync(directory)) {
    throw new UsageError(
      "no-run",
      `${path} does not exist: pass a run's folder or a history.jsonl`,
    );
  }
  const found = statSync(directory).isDirectory() ? readdirSync(directory).join(", ") : "a file";
  throw new UsageError(
    "no-run",
    `${path} is no run: wanted a folder with run.json, found ${found || "an empty folder"}`,
  );
}

/** Throws UsageError where run.json is malformed or of a newer version. */
export function readMeta(directory: string): RunMeta {
  const path = join(directory, "run.json");
  const value = parseJsonObject(readFileSync(path, "utf8"), path);
  const { version } = value;
  if (typeof version !== "number" || version > RUN_META_VERSION) {
    throw new UsageError(
      "newer-version",
      `${path}: version ${String(version)}; this ordeal reads up to ${RUN_META_VERSION}: upgrade it`,
    );
  }
  for (const [key, kind] of META_FIELDS) {
    const found = Array.isArray(value[key]) ? "array" : typeof value[key];
    if (found === kind) continue;
    throw new UsageError("malformed", `${path}: "${key}" wants ${kind}, found ${found}`);
  }
  return value as unknown as RunMeta; // The codec of run.json: its fields were looked at above.
}

const META_FIELDS: readonly (readonly [keyof RunMeta, string])[] = [
  ["suite", "string"],
  ["seed", "number"],
  ["commit", "string"],
  ["environment", "string"],
  ["replicas", "number"],
  ["f", "number"],
  ["options", "object"],
  ["claims", "object"],
  ["phases", "object"],
  ["recoveryBoundNs", "number"],
  ["quiescence", "object"],
  ["expectedFaults", "array"],
  ["correctReplicas", "array"],
  ["samples", "array"],
];

/** The faults of a run; none where the file is missing. */
export function readFaults(directory: string): { faults: FaultRecord[]; torn?: string } {
  const path = join(directory, "faults.jsonl");
  if (!existsSync(path)) return { faults: [] };
  const { values, torn } = readJsonLines(readFileSync(path, "utf8"), path);
  for (const [index, value] of values.entries()) {
    const { type, fault, evidence } = value;
    if (type === "start" && typeof fault === "object" && fault !== null) continue;
    if (type === "stop" && typeof evidence === "object" && evidence !== null) continue;
    throw new UsageError("malformed", `${path} line ${index + 1}: wanted a fault's start or stop`);
  }
  const faults = values as unknown as FaultRecord[]; // Looked at just above.
  return torn === undefined ? { faults } : { faults, torn };
}

/** The ledgers that were collected, by replica in order. */
export function readLedgers(directory: string, replicas: readonly string[]): LedgerDump[] {
  const paths = replicas.map((node) => join(directory, "replicas", node, "ledger.jsonl"));
  return readLedgerFiles(paths.filter((path) => existsSync(path)));
}

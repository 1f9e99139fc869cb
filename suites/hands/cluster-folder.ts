// The folder of a cluster for hands: keys, each node's files, and which processes run. Written so
// that a crash at any instant leaves a cluster that `up` can go on with.

import { createHash } from "node:crypto";
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { NodeName } from "../../nemesis/faults.js";
import { observe, type ProcessHandle } from "../../nemesis/host/process.js";
import {
  type ClusterFile,
  DATAGRAM_BYTES_MAX_DEFAULT,
  readClusterFile,
} from "../../node/runtime/cluster-file.js";
import { messageOf, OrdealError } from "../../node/runtime/ordeal-error.js";
import { replaceFile } from "../append-file.js";
import { jsonText, makeCluster, writeNodeFiles } from "../cluster/cluster-files.js";
import { SOCKET_PATH_BYTES_MAX } from "../cluster/control.js";
import { isObject, numberField, parseObject } from "../cluster/json-lines.js";
import { nodeFiles } from "../cluster/layout.js";
import { UsageError } from "../usage-error.js";
import { holdName } from "./held-name.js";

export const FOLDER_DEFAULT = join(".ordeal", "cluster");
export const HOST = "127.0.0.1";
/** Hand clients that may be at work at the same time: each takes a principal of its own. */
export const HAND_CLIENTS = 16;

const STATE_VERSION = 1;

/** What `up` and `down` remember. */
type State = {
  version: typeof STATE_VERSION;
  /** Replicas that have answered once: from then on their data is theirs, and never made anew. */
  initialised: readonly NodeName[];
  processes: Readonly<Record<NodeName, ProcessHandle>>;
  /** Folder of the control sockets: short, because a socket's path is limited. */
  sockets: string;
};

export type ClusterFolder = {
  /** Absolute. */
  path: string;
  file: ClusterFile;
};

/** Makes a new cluster's folder; the cluster file comes last, and says that all is there. */
export function createFolder(path: string, replicas: number, portFirst: number): ClusterFolder {
  const folder = resolve(path);
  const addressOf = (replica: NodeName) => ({
    host: HOST,
    port: portFirst + Number(replica.slice(1)),
  });
  const cluster = makeCluster({
    replicas,
    clientProcesses: HAND_CLIENTS,
    protocol: {},
    datagramBytesMax: DATAGRAM_BYTES_MAX_DEFAULT,
    addressOf,
  });
  writeNodeFiles(folder, cluster, (_, replica) => addressOf(replica));
  replaceFile(clusterFilePath(folder), jsonText(cluster.file));
  return { path: folder, file: cluster.file };
}

/** Undefined where there is no cluster; throws UsageError where its file is damaged. */
export function findFolder(path: string): ClusterFolder | undefined {
  const folder = resolve(path);
  const file = clusterFilePath(folder);
  if (!existsSync(file)) return undefined;
  try {
    return { path: folder, file: readClusterFile(file) };
  } catch (error) {
    if (error instanceof OrdealError) throw new UsageError(error.code, error.message);
    throw error;
  }
}

/** Throws UsageError where there is no cluster. */
export function openFolder(path: string): ClusterFolder {
  const found = findFolder(path);
  if (found !== undefined) return found;
  throw new UsageError("cluster", `no cluster in ${path}: start one with ordeal cluster up`);
}

export function replicaNamesOf({ file }: ClusterFolder): readonly NodeName[] {
  return file.replicas.map(({ name }) => name);
}

/** Replicas whose recorded process still runs; a reused pid is not taken for it. */
export function runningReplicas(folder: ClusterFolder): ReadonlyMap<NodeName, ProcessHandle> {
  const { processes } = readState(folder);
  return new Map(Object.entries(processes).filter(([, handle]) => observe(handle) !== "gone"));
}

/** Whether the replica has lived: then it must start from what its disk holds, were it nothing. */
export function isInitialised(folder: ClusterFolder, replica: NodeName): boolean {
  if (readState(folder).initialised.includes(replica)) return true;
  // A first start that was cut off before it was recorded.
  const data = nodeFiles(folder.path, replica).folder;
  return ["protocol.log", "ledger.sqlite"].some((name) => existsSync(join(data, name)));
}

export function recordStart(folder: ClusterFolder, replica: NodeName, handle: ProcessHandle): void {
  const state = readState(folder);
  writeState(folder, { ...state, processes: { ...state.processes, [replica]: handle } });
}

export function recordInitialised(folder: ClusterFolder, replicas: readonly NodeName[]): void {
  const state = readState(folder);
  const initialised = [...new Set([...state.initialised, ...replicas])];
  writeState(folder, { ...state, initialised });
}

/** Nobody runs any more; removes the control sockets, too. */
export function recordStopped(folder: ClusterFolder): void {
  const state = readState(folder);
  rmSync(state.sockets, { recursive: true, force: true });
  writeState(folder, { ...state, processes: {} });
}

/** Where a replica answers. */
export function controlSocket(folder: ClusterFolder, replica: NodeName): string {
  return join(readState(folder).sockets, `${replica}.sock`);
}

/** Makes the folder of the control sockets, for us alone; throws where another owns it. */
export function makeSocketsFolder(folder: ClusterFolder): void {
  const state = readState(folder);
  mkdirSync(state.sockets, { recursive: true, mode: 0o700 });
  const found = lstatSync(state.sockets);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) {
    throw new Error(`${state.sockets} belongs to another: remove it, or set TMPDIR`);
  }
  chmodSync(state.sockets, 0o700);
  writeState(folder, state);
}

/** One `up` or `down` at a time. */
export async function withFolderHeld<T>(path: string, work: () => Promise<T>): Promise<T> {
  const release = await holdName(`${resolve(path)} up or down`);
  if (release === undefined) {
    throw new UsageError("cluster", `another ordeal cluster up or down is at work in ${path}`);
  }
  try {
    return await work();
  } finally {
    release();
  }
}

function newState({ path }: ClusterFolder): State {
  const name = `ordeal-${createHash("sha256").update(path).digest("hex").slice(0, 16)}`;
  const room = SOCKET_PATH_BYTES_MAX - "/r31.sock".length;
  const preferred = join(tmpdir(), name);
  const sockets = Buffer.byteLength(preferred) <= room ? preferred : join("/tmp", name);
  return { version: STATE_VERSION, initialised: [], processes: {}, sockets };
}

function clusterFilePath(folder: string): string {
  return join(folder, "cluster.json");
}

function statePath({ path }: ClusterFolder): string {
  return join(path, "state.json");
}

function writeState(folder: ClusterFolder, state: State): void {
  replaceFile(statePath(folder), jsonText(state));
}

function readState(folder: ClusterFolder): State {
  const path = statePath(folder);
  if (!existsSync(path)) return newState(folder);
  try {
    return parseState(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError("cluster", `${path}: ${messageOf(error)}`);
  }
}

function parseState(text: string): State {
  const { version, initialised, processes, sockets } = parseObject(text) ?? {};
  if (version !== STATE_VERSION) throw new Error(`want version ${STATE_VERSION}`);
  if (!Array.isArray(initialised) || !isObject(processes) || typeof sockets !== "string") {
    throw new Error("want initialised, processes and sockets");
  }
  const handles = Object.entries(processes).map(([name, value]) => {
    const pid = isObject(value) ? numberField(value, "pid") : undefined;
    const startTicks = isObject(value) ? numberField(value, "startTicks") : undefined;
    if (pid === undefined || startTicks === undefined)
      throw new Error(`want a process for ${name}`);
    return [name, { pid, startTicks }] as const;
  });
  return {
    version: STATE_VERSION,
    initialised: initialised.map(String),
    processes: Object.fromEntries(handles),
    sockets,
  };
}

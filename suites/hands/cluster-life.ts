// A cluster for hands: replicas straight on the loopback interface, detached from whoever started
// them. Its data outlives its processes.

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import type { NodeName } from "../../nemesis/faults.js";
import { handleOf, kill, observe, type ProcessHandle } from "../../nemesis/host/process.js";
import { firstTaken } from "../../node/runtime/free-ports.js";
import { systemCodeOf } from "../../node/runtime/ordeal-error.js";
import { askStatus, type ControlStatus } from "../cluster/control.js";
import { waitUntil } from "../cluster/deadline.js";
import { mainFiles, nodeFiles } from "../cluster/layout.js";
import { UsageError } from "../usage-error.js";
import {
  type ClusterFolder,
  controlSocket,
  createFolder,
  findFolder,
  HOST,
  isInitialised,
  makeSocketsFolder,
  openFolder,
  recordInitialised,
  recordStart,
  recordStopped,
  replicaNamesOf,
  runningReplicas,
  withFolderHeld,
} from "./cluster-folder.js";

const START_MS_MAX = 20_000;
const STATUS_MS_MAX = 1_000;
const STOP_MS_MAX = 5_000;

export type UpOptions = {
  path: string;
  build: string;
  /** Absent: as the cluster has them, for a new one 4 replicas from port 7400. */
  replicas?: number;
  port?: number;
};

export const REPLICAS_DEFAULT = 4;
export const PORT_DEFAULT = 7_400;

export type ReplicaRow = { node: NodeName; pid?: number; status?: ControlStatus };

/**
 * Starts whatever of the cluster does not run, a new one where there is none; resolves when all
 * answer. Throws UsageError where all run already, where the options fit no longer, or where a port
 * is taken; after any throw none of those started here runs.
 */
export function up(
  options: UpOptions,
): Promise<{ folder: ClusterFolder; isNew: boolean; started: readonly NodeName[] }> {
  return withFolderHeld(options.path, async () => {
    const found = findFolder(options.path);
    if (found !== undefined) refuseOtherOptions(found, options);
    const running = found === undefined ? new Map() : runningReplicas(found);
    const ports =
      found === undefined
        ? newPorts(options)
        : found.file.replicas.filter(({ name }) => !running.has(name)).map(({ port }) => port);
    if (ports.length === 0) {
      throw new UsageError(
        "cluster",
        `already up in ${options.path}: ordeal cluster down stops it`,
      );
    }
    const taken = await firstTaken(ports, HOST);
    if (taken !== undefined) {
      throw new UsageError(
        "port-in-use",
        `UDP port ${taken} on ${HOST} is in use: ${found === undefined ? "pass another --port" : "end what uses it"}`,
      );
    }
    const folder =
      found ??
      createFolder(
        options.path,
        options.replicas ?? REPLICAS_DEFAULT,
        options.port ?? PORT_DEFAULT,
      );
    makeSocketsFolder(folder);
    const started = replicaNamesOf(folder).filter((name) => !running.has(name));
    await startAll(folder, started, options.build);
    return { folder, isNew: found === undefined, started };
  });
}

/** SIGTERM, then SIGKILL at a deadline, to the recorded processes; resolves to who was stopped. */
export function down(path: string): Promise<readonly NodeName[]> {
  return withFolderHeld(path, async () => {
    const folder = openFolder(path);
    const running = runningReplicas(folder);
    await stopAll([...running.values()]);
    recordStopped(folder);
    return [...running.keys()];
  });
}

/** What each replica says of itself; no pid: down; no status: it does not answer. */
export async function statusRows(folder: ClusterFolder): Promise<readonly ReplicaRow[]> {
  const running = runningReplicas(folder);
  return Promise.all(
    replicaNamesOf(folder).map(async (node) => {
      const pid = running.get(node)?.pid;
      if (pid === undefined) return { node };
      const status = await askStatus(controlSocket(folder, node), STATUS_MS_MAX);
      return status === undefined ? { node, pid } : { node, pid, status };
    }),
  );
}

function refuseOtherOptions({ file }: ClusterFolder, { path, replicas, port }: UpOptions): void {
  const count = file.replicas.length;
  if (replicas !== undefined && replicas !== count) {
    throw new UsageError(
      "cluster",
      `the cluster in ${path} has ${count} replicas: pass no --replicas, or another --dir`,
    );
  }
  const first = file.replicas[0]?.port;
  if (port !== undefined && port !== first) {
    throw new UsageError(
      "cluster",
      `the cluster in ${path} is on port ${first}: pass no --port, or another --dir`,
    );
  }
}

function newPorts({ replicas = REPLICAS_DEFAULT, port = PORT_DEFAULT }: UpOptions): number[] {
  return Array.from({ length: replicas }, (_, index) => port + index);
}

async function startAll(
  folder: ClusterFolder,
  replicas: readonly NodeName[],
  build: string,
): Promise<void> {
  const handles: ProcessHandle[] = [];
  try {
    for (const replica of replicas) {
      const handle = startReplica(folder, replica, build);
      handles.push(handle);
      recordStart(folder, replica, handle);
    }
    await Promise.all(
      replicas.map((replica, index) => untilReady(folder, replica, handles[index])),
    );
  } catch (error) {
    await stopAll(handles);
    throw error;
  }
  recordInitialised(folder, replicas);
}

function startReplica(folder: ClusterFolder, replica: NodeName, build: string): ProcessHandle {
  const files = nodeFiles(folder.path, replica);
  const log = openSync(files.log, "a");
  const stderr = openSync(files.stderr, "w"); // Of this life only: it explains a failed start.
  const child = spawn(
    process.execPath,
    [
      mainFiles(build).replica,
      ...["--cluster", files.clusterFile, "--key", files.keyFile, "--data", files.folder],
      ...["--control", controlSocket(folder, replica)],
      ...(isInitialised(folder, replica) ? [] : ["--init"]),
    ],
    { stdio: ["ignore", log, stderr], detached: true, cwd: folder.path },
  );
  closeSync(log);
  closeSync(stderr);
  child.unref();
  if (child.pid === undefined) throw new Error(`${replica}: could not start ${process.execPath}`);
  return handleOf(child.pid) ?? { pid: child.pid, startTicks: 0 };
}

async function untilReady(
  folder: ClusterFolder,
  replica: NodeName,
  handle: ProcessHandle | undefined,
): Promise<void> {
  const ended = () => handle === undefined || observe(handle) === "gone";
  const socket = controlSocket(folder, replica);
  const answers = async () => (await askStatus(socket, STATUS_MS_MAX)) !== undefined;
  const settled = await waitUntil(async () => ended() || (await answers()), START_MS_MAX);
  if (settled && !ended()) return;
  const words = readFileSync(nodeFiles(folder.path, replica).stderr, "utf8").trim().split("\n")[0];
  const why = ended() ? "ended" : `gave no answer within ${START_MS_MAX / 1000} s`;
  throw new Error(`${replica} ${why}: ${words || "its stderr is empty"}`);
}

async function stopAll(handles: readonly ProcessHandle[]): Promise<void> {
  for (const handle of handles) {
    signal(handle, "SIGTERM");
    signal(handle, "SIGCONT"); // One that was stopped hears nothing before this.
  }
  await Promise.all(
    handles.map(async (handle) => {
      const gone = await waitUntil(() => observe(handle) === "gone", STOP_MS_MAX);
      if (!gone && !(await kill(handle)).reached) {
        throw new Error(`pid ${handle.pid} is still there after SIGKILL`);
      }
    }),
  );
}

/** Never to another process that got the pid. */
function signal(handle: ProcessHandle, name: NodeJS.Signals): void {
  if (observe(handle) === "gone") return;
  try {
    process.kill(handle.pid, name);
  } catch (error) {
    if (systemCodeOf(error) !== "ESRCH") throw error; // It ended since we looked.
  }
}

// The processes of a cluster: what all environments with real processes have in common. Replicas log
// into their folders and answer on control sockets; client processes are driven over stdio. An
// environment says where each node is placed, and starts one cluster's nodes through here.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { NodeName } from "../../nemesis/faults.js";
import type { Shell } from "../../nemesis/host/shell.js";
import type { ClientAnswer, ClientCall } from "../../node/runtime/client-call.js";
import { JOURNAL_VARIABLE } from "../../node/runtime/journal-file.js";
import { ClientCalls } from "./client-process.js";
import { type Address, type Cluster, makeCluster, writeNodeFiles } from "./cluster-files.js";
import { type ControlStatus, statusOf } from "./control.js";
import { nowMs, waitUntil } from "./deadline.js";
import type { EnvironmentOptions, NodeExit, NodeStatus } from "./environment.js";
import {
  clientNames,
  isReplicaName,
  mainFiles,
  nodeFiles,
  OWN_BUILD,
  replicaNames,
} from "./layout.js";
import { localMachine } from "./local-machine.js";
import type { Machine } from "./machine.js";
import type { DownHand, Launch, NodeHand, NodeHost } from "./node-hand.js";
import { NodeProcess } from "./node-process.js";
import type { OwnDisk } from "./own-disk.js";

/** A replica answers within this after a start, or the start has failed. */
const START_MS_MAX = 20_000;
const STATUS_MS_MAX = 1_000;
/** How long a node may take to end after SIGTERM. */
export const STOP_MS_MAX = 5_000;

/** Libraries that the loader puts before all others, split by spaces: ld.so(8). */
const PRELOAD = "LD_PRELOAD";

/** Where one node runs and how it reaches the others. */
export type NodePlace = {
  /** What the node binds. */
  listen: Address;
  addressOf: (replica: NodeName) => Address;
  /** Put before the command line, e.g. nsenter with its options. */
  argvPrefix: readonly string[];
};

/** The machine of a node, and where things lie there. */
export type NodeSite = {
  machine: Machine;
  /** Stands for the run's folder: nodes live in `replicas/<name>/`. */
  directory: string;
  /** For control sockets; short. */
  runtimeFolder: string;
  /** The program node, and the compiled main files. */
  execPath: string;
  build: string;
  /** The folder of our own compiled files there. */
  ownBuild: string;
};

export type ClusterPlan = {
  options: EnvironmentOptions;
  /** For control sockets on this machine; short. */
  runtimeFolder: string;
  /** Where a node is; absent: all are on this machine, in the run's folder. */
  siteOf?: (node: NodeName) => NodeSite;
  datagramBytesMax: number;
  /** How long nodes may take to end after SIGTERM. */
  stopMsMax: number;
  placeOf: (node: NodeName) => NodePlace;
  /** Runs commands where the node runs. */
  shellOf: (node: NodeName) => Shell;
  /** A replica's state where it is to have a file system of its own; absent: it lies in its folder. */
  diskOf?: (replica: NodeName) => OwnDisk;
  /** They prepare nodes, and say how each is launched. */
  hands: readonly Pick<NodeHand | DownHand, "prepare" | "launch">[];
};

/** What became of a restart. */
export type Restart = { pid: number; readyMs: number } | { error: string };

export class ClusterProcesses {
  readonly replicas: readonly NodeName[];
  readonly clients: readonly NodeName[];
  readonly #plan: ClusterPlan;
  readonly #cluster: Cluster;
  readonly #processes = new Map<NodeName, NodeProcess>();
  readonly #calls = new Map<NodeName, ClientCalls>();

  constructor(plan: ClusterPlan) {
    const { replicas, clientProcesses, directory } = plan.options;
    this.#plan = plan;
    this.replicas = replicaNames(replicas);
    this.clients = clientNames(clientProcesses);
    this.#cluster = makeCluster({
      ...plan.options,
      datagramBytesMax: plan.datagramBytesMax,
      addressOf: (replica) => plan.placeOf(replica).listen,
    });
    for (const node of [...this.replicas, ...this.clients]) {
      const output = isReplicaName(node) ? "files" : "pipes";
      const { machine, directory: there } = this.#site(node);
      const files = nodeFiles(there, node);
      const exitsFile = nodeFiles(directory, node).exits;
      const process = new NodeProcess({ node, machine, files, exitsFile, output });
      this.#processes.set(node, process);
      if (output === "pipes") this.#calls.set(node, new ClientCalls(node, machine.sharesClock));
    }
  }

  /**
   * Writes keys and cluster files and starts all nodes; resolves when every replica answers. Throws
   * with the node's own words where one does not; the caller then stops what has been started.
   */
  async start(): Promise<void> {
    const { options, placeOf } = this.#plan;
    const addressOf = (node: NodeName, replica: NodeName) => placeOf(node).addressOf(replica);
    writeNodeFiles(options.directory, this.#cluster, addressOf);
    await Promise.all([...this.replicas, ...this.clients].map((node) => this.#putFiles(node)));
    // Nothing is still being made when a failure is told.
    const prepared = await Promise.allSettled(this.replicas.map((node) => this.#prepare(node)));
    for (const each of prepared) if (each.status === "rejected") throw each.reason;
    for (const replica of this.replicas) await this.#startNode(replica, "first");
    for (const client of this.clients) await this.#startNode(client, "first");
    const failures = await Promise.all(this.replicas.map((replica) => this.#untilReady(replica)));
    const failure = failures.find((reason) => reason !== undefined);
    if (failure !== undefined) throw new Error(failure);
  }

  /** The node's process over all its lives; throws where there is no such node. */
  process(node: NodeName): NodeProcess {
    const found = this.#processes.get(node);
    if (found === undefined) throw new Error(`no node ${node} in this cluster`);
    return found;
  }

  /** A replica, as the hands that harm it reach it. */
  host(node: NodeName): NodeHost {
    const process = this.process(node);
    const { machine, directory, runtimeFolder, execPath, ownBuild } = this.#site(node);
    const { folder, image } = this.#diskOf(node, directory);
    const control = this.#controlSocket(node);
    return {
      node,
      shell: this.#plan.shellOf(node),
      folder,
      ...(image !== undefined && { image }),
      runtimeFolder,
      execPath,
      ownBuild,
      register: (leftover) => machine.register(leftover),
      pid: process.handle?.pid,
      ask: (question, deadlineMs) => machine.ask(control, question, deadlineMs),
    };
  }

  /** Starts a dead node again, from its own disk; resolves when it answers or has failed to. */
  async restart(node: NodeName): Promise<Restart> {
    const startedMs = nowMs();
    await this.#startNode(node, "again");
    const pid = this.process(node).handle?.pid;
    const failure = isReplicaName(node) ? await this.#untilReady(node) : undefined;
    if (failure !== undefined || pid === undefined) return { error: failure ?? "gone at once" };
    return { pid, readyMs: Math.round(nowMs() - startedMs) };
  }

  call(client: NodeName, call: ClientCall): Promise<ClientAnswer> {
    const calls = this.#calls.get(client);
    if (calls === undefined) throw new Error(`no client process ${client} in this cluster`);
    return calls.call(call);
  }

  observe(): Promise<readonly NodeStatus[]> {
    return Promise.all(
      this.replicas.map(async (node) => {
        const { handle } = this.process(node);
        if (handle === undefined) return { node, alive: false };
        // A stopped process would only make everybody wait for the deadline.
        if ((await this.process(node).observe()) === "stopped") return { node, alive: true };
        const status = await this.#status(node);
        const alive = this.process(node).handle === handle;
        return status === undefined ? { node, alive } : { node, alive, status };
      }),
    );
  }

  unexpectedExits(): readonly NodeExit[] {
    return [...this.#processes.values()].flatMap((process) => process.unexpectedExits);
  }

  /** Stops all nodes, clients first; resolves when none of them runs. */
  async stop(): Promise<void> {
    const stopAll = (nodes: readonly NodeName[]) =>
      Promise.all(nodes.map((node) => this.process(node).stop(this.#plan.stopMsMax)));
    await stopAll(this.clients);
    await stopAll(this.replicas);
  }

  #site(node: NodeName): NodeSite {
    const { options, runtimeFolder, siteOf } = this.#plan;
    if (siteOf !== undefined) return siteOf(node);
    const { directory, build } = options;
    const { execPath } = process;
    const here = { directory, runtimeFolder, execPath, build, ownBuild: OWN_BUILD };
    return { machine: localMachine, ...here };
  }

  #diskOf(replica: NodeName, directory: string): { folder: string; image?: string } {
    return this.#plan.diskOf?.(replica) ?? { folder: nodeFiles(directory, replica).folder };
  }

  async #prepare(replica: NodeName): Promise<void> {
    for (const hand of this.#plan.hands) await hand.prepare(this.host(replica));
  }

  /** Keys and cluster file where the node is to read them, where that is not the run's folder. */
  async #putFiles(node: NodeName): Promise<void> {
    const { options, siteOf } = this.#plan;
    if (siteOf === undefined) return;
    const { machine, directory } = siteOf(node);
    const here = nodeFiles(options.directory, node);
    const there = nodeFiles(directory, node);
    await machine.put(there.keyFile, readFileSync(here.keyFile, "utf8"), 0o600);
    await machine.put(there.clusterFile, readFileSync(here.clusterFile, "utf8"), 0o644);
  }

  #controlSocket(node: NodeName): string {
    return join(this.#site(node).runtimeFolder, `${node}.sock`);
  }

  async #status(node: NodeName): Promise<ControlStatus | undefined> {
    const path = this.#controlSocket(node);
    return statusOf(await this.#site(node).machine.ask(path, { op: "status" }, STATUS_MS_MAX));
  }

  async #startNode(node: NodeName, time: "first" | "again"): Promise<void> {
    const process = this.process(node);
    const launches = isReplicaName(node)
      ? this.#plan.hands.map((hand) => hand.launch(this.host(node)))
      : [];
    const prefix = launches.flatMap(({ argvPrefix }) => argvPrefix);
    if (isReplicaName(node)) {
      // What a killed life of the node has left.
      await this.#site(node).machine.remove(this.#controlSocket(node));
    }
    const journal = isReplicaName(node)
      ? { [JOURNAL_VARIABLE]: nodeFiles(this.#site(node).directory, node).journal }
      : {};
    const variables = { ...variablesOf(launches), ...journal };
    await process.start(this.#commandLine(node, time, prefix), variables);
    const calls = this.#calls.get(node);
    const { pipes } = process;
    if (calls === undefined || pipes === undefined) return;
    calls.attach(pipes);
    pipes.stdout.on("close", () => calls.detach(pipes, "the client process is gone"));
  }

  #commandLine(
    node: NodeName,
    time: "first" | "again",
    innerPrefix: readonly string[],
  ): readonly string[] {
    const { listen, argvPrefix } = this.#plan.placeOf(node);
    const { directory, build, execPath } = this.#site(node);
    const files = nodeFiles(directory, node);
    const main = mainFiles(build);
    const isReplica = isReplicaName(node);
    const common = [
      ...argvPrefix,
      ...innerPrefix,
      execPath,
      isReplica ? main.replica : main.client,
      ...["--cluster", files.clusterFile],
      ...["--key", files.keyFile],
      ...["--listen", `${listen.host}:${listen.port}`],
    ];
    if (!isReplica) return common;
    const control = ["--control", this.#controlSocket(node)];
    const init = time === "first" ? ["--init"] : [];
    return [...common, "--data", this.#diskOf(node, directory).folder, ...control, ...init];
  }

  /** Resolves to why the replica does not answer, or undefined as soon as it does. */
  async #untilReady(node: NodeName): Promise<string | undefined> {
    const process = this.process(node);
    const exitCount = process.exits.length;
    const pid = process.handle?.pid;
    let ended = pid === undefined;
    const answered = await waitUntil(async () => {
      ended = process.exits.length > exitCount || process.handle?.pid !== pid;
      if (ended) return true;
      return (await this.#status(node)) !== undefined;
    }, START_MS_MAX);
    if (answered && !ended) return undefined;
    // Its last words are read before its end is recorded.
    if (ended) await waitUntil(() => process.exits.length > exitCount, STATUS_MS_MAX);
    const how = process.exits.at(-1)?.how ?? "did not start";
    const why = ended ? `ended (${how})` : `gave no status within ${START_MS_MAX / 1000} s`;
    return `${node} ${why}: ${(await process.stderrTail()) || "its stderr is empty"}`;
  }
}

/** Later ones win, but for libraries: all that are named are loaded, those of the runner's own too. */
export function variablesOf(launches: readonly Launch[]): Readonly<Record<string, string>> {
  const variables = Object.assign({}, ...launches.map((launch) => launch.variables));
  const named = launches.map(({ variables: { [PRELOAD]: library } }) => library);
  const libraries = named.filter((library) => library !== undefined);
  if (libraries.length === 0) return variables;
  const own = process.env[PRELOAD] ?? "";
  return { ...variables, [PRELOAD]: [...(own === "" ? [] : [own]), ...libraries].join(" ") };
}

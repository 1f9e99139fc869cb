// Environment `sim`: the replicas of the build under test in this thread, in virtual time, on a modelled
// network, disk and clock. Everything follows from the seed. It needs nothing.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Evidence, FaultKind, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import { createRandom } from "../../nemesis/random.js";
import { PROTOCOL_DEFAULTS } from "../../node/core/config.js";
import type { PrincipalId } from "../../node/core/messages.js";
import type { ClientAnswer, ClientCall } from "../../node/runtime/client-call.js";
import { CLUSTER_FILE_VERSION, type ClusterFile } from "../../node/runtime/cluster-file.js";
import { Journal } from "../../node/runtime/journal.js";
import type { PublicKeys } from "../../node/runtime/keys.js";
import { ledgerText } from "../ledger-file.js";
import { EventQueue } from "../sim/event-queue.js";
import { signingKeyrings } from "../sim/keyrings.js";
import { loadNodeBuild } from "../sim/load-build.js";
import { nameOf, principalOf } from "../sim/names.js";
import { CALM } from "../sim/network.js";
import type { NodeBuild } from "../sim/node-build.js";
import { Violation } from "../sim/violation.js";
import { VirtualTime } from "../sim/virtual-time.js";
import { World } from "../sim/world.js";
import { oneLine } from "../usage-error.js";
import { jsonText } from "./cluster-files.js";
import type { Environment, EnvironmentOptions, NodeExit, NodeStatus } from "./environment.js";
import { clientNames, nodeFiles, replicaNames } from "./layout.js";

export const SIM_CAPABILITIES: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "partition",
  "loss",
  "duplicate",
  "reorder",
  "delay",
  "kill",
  "terminate",
  "kill-at",
  "memory",
  "files",
  "freeze",
  "strobe",
  "pause",
  "corrupt",
  "replay",
  "bandwidth",
  "clog",
  "message",
  "power-cut",
  "crash",
  "slow-cpu",
  "clock",
  "disk",
  "disk-damage",
  "lie",
]);

const DATAGRAM_BYTES_MAX = 8_192;

export function createSim(options: EnvironmentOptions): Environment {
  return new SimEnvironment(options);
}

type Running = {
  build: NodeBuild;
  world: World;
  /** Of each replica, what it heard others sign. */
  journals: readonly string[][];
  clusterFile: ClusterFile;
};

class SimEnvironment implements Environment {
  readonly name = "sim";
  readonly description = "sim: replicas in one thread, in virtual time, with modelled MACs";
  readonly replicas: readonly NodeName[];
  readonly clients: readonly NodeName[];
  readonly capabilities = SIM_CAPABILITIES;
  readonly time: VirtualTime;
  readonly #options: EnvironmentOptions;
  readonly #queue = new EventQueue();
  readonly #violations: NodeExit[] = [];
  #running: Running | undefined;

  constructor(options: EnvironmentOptions) {
    this.#options = options;
    this.replicas = replicaNames(options.replicas);
    this.clients = clientNames(options.clientProcesses);
    this.time = new VirtualTime(this.#queue, (error) => this.#onError(error));
  }

  async start(): Promise<void> {
    const { replicas, clientProcesses, build: folder, protocol, seed } = this.#options;
    const build = await loadNodeBuild(folder);
    const random = createRandom(seed).fork("sim");
    const cluster = random
      .fork("cluster")
      .int(2 ** 32)
      .toString(16)
      .padStart(16, "0");
    const config = { ...PROTOCOL_DEFAULTS, ...protocol, cluster, n: replicas };
    const members = { cluster, replicas, clientProcesses };
    const { keyringOf, principals } = signingKeyrings(build, seed, members);
    const lines = this.replicas.map((): string[] => []);
    const journals = lines.map(
      (each) => new Journal({ cluster, n: replicas, write: (line) => each.push(line) }),
    );
    const world = new World(build, {
      config,
      clientProcesses,
      datagramBytesMax: DATAGRAM_BYTES_MAX,
      weather: CALM,
      keyringOf,
      onMessage: (replica, from, message) => journals[replica]?.heard(from, message),
      random,
      queue: this.#queue,
    });
    const clusterFile = clusterFileOf(cluster, protocol, this, principals);
    this.#running = { build, world, journals: lines, clusterFile };
    world.start();
  }

  async apply(fault: ResolvedFault): Promise<void> {
    this.#world.apply(fault);
  }

  async heal(faultId: string): Promise<Evidence> {
    return this.#world.heal(faultId);
  }

  call(client: NodeName, call: ClientCall): Promise<ClientAnswer> {
    const host = this.#world.clients.find(({ principal }) => nameOf(principal) === client);
    if (host === undefined) return Promise.reject(new RangeError(`no client process ${client}`));
    return this.time.settled((settle) => host.call(call, settle));
  }

  async observe(): Promise<readonly NodeStatus[]> {
    const { build, world } = this.#inside;
    return world.replicas.map(({ id, replica, machine, paused, ended }) => {
      const node = nameOf(id);
      if (ended !== undefined) return { node, alive: false };
      if (replica === undefined || machine === undefined || paused) return { node, alive: true };
      const digest = machine.currentDigest();
      const status = { ...build.statusOf(replica), digest, rssBytes: 0 };
      return { node, alive: true, status };
    });
  }

  unexpectedExits(): readonly NodeExit[] {
    return this.#violations;
  }

  async stop(): Promise<void> {
    this.time.stop();
    if (this.#running === undefined) return;
    const { build, world, journals, clusterFile } = this.#running;
    for (const node of this.replicas) {
      const replica = world.replicas[principalOf(node)];
      if (replica === undefined) continue;
      replica.terminate();
      const files = nodeFiles(this.#options.directory, node);
      const { folder } = files;
      mkdirSync(folder, { recursive: true });
      writeFileSync(files.clusterFile, jsonText(clusterFile));
      writeFileSync(
        files.journal,
        (journals[replica.id] ?? []).map((line) => `${line}\n`).join(""),
      );
      const stored = replica.store.load();
      const rows = build.exportRows(stored, replica.store.entries(0, stored.entryCount));
      writeFileSync(join(folder, "ledger.jsonl"), ledgerText({ node, ...rows }));
    }
    this.#running = undefined;
  }

  /** A run goes on after a violation, so that its end can be judged, too; nobody looks any more. */
  #onError(error: unknown): void {
    const how = error instanceof Violation ? `${error.check}: ${error.message}` : oneLine(error);
    const at = `${this.time.nowMs().toFixed(3)} ms`;
    this.#violations.push({ node: "sim", pid: 0, how, expected: false, at, stderr: "" });
    for (const { id } of this.#running?.world.replicas ?? []) {
      this.#running?.world.watch.excuse(id);
    }
  }

  get #inside(): Running {
    if (this.#running === undefined) throw new Error("sim: start it first");
    return this.#running;
  }

  get #world(): World {
    return this.#inside.world;
  }
}

/** Who took part, with the public keys that prove what they signed. */
function clusterFileOf(
  cluster: string,
  protocol: EnvironmentOptions["protocol"],
  { replicas, clients }: Pick<Environment, "replicas" | "clients">,
  principals: ReadonlyMap<PrincipalId, PublicKeys>,
): ClusterFile {
  const entry = (name: NodeName) => {
    const id = principalOf(name);
    const keys = principals.get(id);
    if (keys === undefined) throw new RangeError(`no keys for ${name}`);
    return { id, name, ...keys };
  };
  return {
    version: CLUSTER_FILE_VERSION,
    cluster,
    protocol,
    datagramBytesMax: DATAGRAM_BYTES_MAX,
    replicas: replicas.map((name) => ({
      ...entry(name),
      host: "sim",
      port: 1 + principalOf(name),
    })),
    clients: clients.map(entry),
  };
}

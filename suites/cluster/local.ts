// Environment `local`: processes on the loopback interface behind a UDP relay. It needs no
// privileges, so it runs everywhere the tool does.

import { rmSync } from "node:fs";
import type { Evidence, FaultKind, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import { composeLinks } from "../../nemesis/links.js";
import type { Address } from "./cluster-files.js";
import type {
  ClientAnswer,
  ClientCall,
  Environment,
  EnvironmentOptions,
  NodeExit,
  NodeStatus,
} from "./environment.js";
import { clientNames, isReplicaName, replicaNames } from "./layout.js";
import { freePorts } from "./ports.js";
import { ProcessFaults } from "./process-faults.js";
import { ClusterProcesses, STOP_MS_MAX } from "./processes.js";
import { Reaper } from "./reaper.js";
import { isNetworkFault, networkEvidence } from "./relay-evidence.js";
import { RelayProcess } from "./relay-process.js";
import type { LinkTraffic } from "./relay-wire.js";
import { makeRuntimeFolder } from "./runtime-folder.js";

const HOST = "127.0.0.1";
/** Loopback carries 64 KiB at once; larger datagrams cost the relay less. */
const DATAGRAM_BYTES_MAX = 8_192;
const RELAY_STOP_MS_MAX = 2_000;

export const LOCAL_CAPABILITIES: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "partition",
  "loss",
  "duplicate",
  "reorder",
  "delay",
  "kill",
  "pause",
]);

/** `reason` says why this environment and not another; it becomes part of the description. */
export function createLocal(
  options: EnvironmentOptions,
  reason: string,
  stopMsMax = STOP_MS_MAX,
): Environment {
  return new Local(options, reason, stopMsMax);
}

type ActiveLinks = { fault: ResolvedFault; before: readonly LinkTraffic[] };
type Started = {
  reaper: Reaper;
  runtimeFolder: string;
  relay: RelayProcess;
  cluster: ClusterProcesses;
  processFaults: ProcessFaults;
};

class Local implements Environment {
  readonly name = "local";
  readonly description: string;
  readonly replicas: readonly NodeName[];
  readonly clients: readonly NodeName[];
  readonly capabilities = LOCAL_CAPABILITIES;
  readonly #options: EnvironmentOptions;
  readonly #stopMsMax: number;
  readonly #activeLinks = new Map<string, ActiveLinks>();
  #started: Started | undefined;
  /** Faults come and go one after the other, in the order they were asked for. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: EnvironmentOptions, reason: string, stopMsMax: number) {
    this.#options = options;
    this.#stopMsMax = stopMsMax;
    this.description = `local: processes behind a UDP relay on ${HOST}, signals; ${reason}`;
    this.replicas = replicaNames(options.replicas);
    this.clients = clientNames(options.clientProcesses);
  }

  async start(): Promise<void> {
    const reaper = new Reaper();
    const runtimeFolder = makeRuntimeFolder();
    reaper.own(runtimeFolder);
    const relay = new RelayProcess();
    try {
      const nodes = [...this.replicas, ...this.clients];
      const ports = await freePorts(nodes.length, HOST);
      const own = new Map(nodes.map((name, index) => [name, ports[index] ?? 0]));
      const placed = nodes.map((name) => ({ name, host: HOST, port: own.get(name) ?? 0 }));
      const opened = await relay.open(this.#options.seed, placed, pairsOf(nodes));
      const seen = new Map(opened.map(({ node, peer, ...at }) => [`${node}>${peer}`, at]));
      const addressOf = (node: NodeName, replica: NodeName): Address =>
        seen.get(`${node}>${replica}`) ?? { host: HOST, port: own.get(replica) ?? 0 };
      const cluster = new ClusterProcesses({
        options: this.#options,
        runtimeFolder,
        datagramBytesMax: DATAGRAM_BYTES_MAX,
        stopMsMax: this.#stopMsMax,
        placeOf: (node) => ({
          listen: { host: HOST, port: own.get(node) ?? 0 },
          addressOf: (replica) => addressOf(node, replica),
          argvPrefix: [],
        }),
        onStart: (identity) => reaper.watch(identity),
      });
      const processFaults = new ProcessFaults(cluster);
      this.#started = { reaper, runtimeFolder, relay, cluster, processFaults };
      await cluster.start();
    } catch (error) {
      if (this.#started !== undefined) await this.stop();
      else {
        await relay.stop(RELAY_STOP_MS_MAX);
        await reaper.stop();
      }
      throw error;
    }
  }

  apply(fault: ResolvedFault): Promise<void> {
    return this.#inTurn(async () => {
      const { relay, processFaults } = this.#running();
      if (!isNetworkFault(fault.intent.kind)) return processFaults.apply(fault);
      this.#activeLinks.set(fault.id, { fault, before: await relay.traffic() });
      await this.#applyLinks();
    });
  }

  heal(faultId: string): Promise<Evidence> {
    return this.#inTurn(async () => {
      const { relay, processFaults } = this.#running();
      const active = this.#activeLinks.get(faultId);
      if (active === undefined) return processFaults.heal(faultId);
      this.#activeLinks.delete(faultId);
      await this.#applyLinks();
      return networkEvidence(active.fault, active.before, await relay.traffic());
    });
  }

  call(client: NodeName, call: ClientCall): Promise<ClientAnswer> {
    return this.#running().cluster.call(client, call);
  }

  observe(): Promise<readonly NodeStatus[]> {
    return this.#running().cluster.observe();
  }

  unexpectedExits(): readonly NodeExit[] {
    const started = this.#started;
    if (started === undefined) return [];
    const { failure, pid } = started.relay;
    const exits = started.cluster.unexpectedExits();
    if (failure === undefined) return exits;
    const at = new Date().toISOString();
    return [...exits, { node: "relay", pid, how: failure, expected: false, at, stderr: "" }];
  }

  async stop(): Promise<void> {
    const started = this.#started;
    if (started === undefined) return;
    await this.#queue.catch(() => undefined); // Its caller has seen the error.
    await started.cluster.stop();
    await started.relay.stop(RELAY_STOP_MS_MAX);
    await started.reaper.stop();
    rmSync(started.runtimeFolder, { recursive: true, force: true });
  }

  #applyLinks(): Promise<void> {
    const faults = [...this.#activeLinks.values()].map(({ fault }) => fault);
    return this.#running().relay.setRules(composeLinks(faults));
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined); // Its caller sees the error; the next may go on.
    return result;
  }

  #running(): Started {
    if (this.#started === undefined) throw new Error("local: start it first");
    return this.#started;
  }
}

/** Each replica with each node after it; clients have nothing to say to one another. */
function pairsOf(nodes: readonly NodeName[]): readonly (readonly [NodeName, NodeName])[] {
  return nodes.flatMap((a, index) =>
    isReplicaName(a) ? nodes.slice(index + 1).map((b) => [a, b] as const) : [],
  );
}

// The environment over processes: nodes as processes of this machine, on some ground that connects
// them and can break the connections. What differs between `local` and `netns` is the ground.

import type { Evidence, FaultKind, NodeName, ResolvedFault } from "../../nemesis/faults.js";
import type { ClientAnswer, ClientCall } from "../../node/runtime/client-call.js";
import { machineTime } from "../run-clock.js";
import type { Environment, EnvironmentOptions, NodeExit, NodeStatus } from "./environment.js";
import { clientNames, replicaNames } from "./layout.js";
import { NodeFaults } from "./node-faults.js";
import type { DownHand, NodeHand, PauseHand } from "./node-hand.js";
import { ProcessFaults } from "./process-faults.js";
import { type ClusterPlan, ClusterProcesses } from "./processes.js";
import { type Refusals, refusalsOf, refusedBetween, SPOILING } from "./refusals.js";

/** A network whose links can be harmed. */
export interface FaultyNetwork {
  /** Brings the links to what these faults together ask for; the last call counts. */
  apply(active: readonly ResolvedFault[]): Promise<void>;
  /** What the fault did while it was active; complete once it no longer is. */
  evidence(fault: ResolvedFault): Promise<Evidence>;
}

/** What the nodes stand on. */
export type Ground = {
  network: FaultyNetwork;
  plan: Pick<
    ClusterPlan,
    "runtimeFolder" | "datagramBytesMax" | "placeOf" | "shellOf" | "siteOf" | "diskOf"
  >;
  /** Parts of the ground itself that ended though nobody asked them to. */
  failures: () => readonly NodeExit[];
  /** Brings what the nodes left to the run's folder, where it is not there; they have ended by then. */
  collect?: () => Promise<void>;
  /** Removes it; the nodes are gone by then. */
  close: () => Promise<void>;
};

export type EnvironmentKind = {
  name: string;
  description: string;
  capabilities: ReadonlySet<FaultKind>;
  /** How long nodes may take to end after SIGTERM. */
  stopMsMax: number;
  /** What can be done to nodes here, beyond kill and pause. `capabilities` has their kinds. */
  hands: readonly NodeHand[];
  downHands: readonly DownHand[];
  pauseHands?: readonly PauseHand[];
  /** Makes the ground for these nodes; where it throws it has left nothing. */
  open: (nodes: readonly NodeName[]) => Promise<Ground>;
};

type Started = {
  ground: Ground;
  cluster: ClusterProcesses;
  processFaults: ProcessFaults;
  nodeFaults: NodeFaults;
  /** To be closed. */
  hands: readonly { close: () => Promise<void> }[];
};

export class ClusterEnvironment implements Environment {
  readonly name: string;
  readonly description: string;
  readonly replicas: readonly NodeName[];
  readonly clients: readonly NodeName[];
  readonly capabilities: ReadonlySet<FaultKind>;
  readonly time = machineTime;
  readonly #kind: EnvironmentKind;
  readonly #options: EnvironmentOptions;
  readonly #networkFaults = new Map<string, ResolvedFault>();
  /** What replicas had refused when a fault began that spoils datagrams. */
  readonly #refusals = new Map<string, Refusals>();
  #started: Started | undefined;
  #stopped: Promise<void> | undefined;
  /** Faults come and go one after the other, in the order in which they were asked for. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(kind: EnvironmentKind, options: EnvironmentOptions) {
    this.#kind = kind;
    this.#options = options;
    this.name = kind.name;
    this.description = kind.description;
    this.capabilities = kind.capabilities;
    this.replicas = replicaNames(options.replicas);
    this.clients = clientNames(options.clientProcesses);
  }

  /** Where it throws, everything that had been started is stopped. */
  async start(): Promise<void> {
    const ground = await this.#kind.open([...this.replicas, ...this.clients]);
    const hands = this.#needed(this.#kind.hands);
    const downHands = this.#needed(this.#kind.downHands);
    const pauseHands = this.#needed(this.#kind.pauseHands ?? []);
    const { stopMsMax } = this.#kind;
    const plan = { options: this.#options, stopMsMax, hands: [...hands, ...downHands] };
    const cluster = new ClusterProcesses({ ...plan, ...ground.plan });
    this.#started = {
      ground,
      cluster,
      processFaults: new ProcessFaults(cluster, { hands, downHands, pauseHands }),
      nodeFaults: new NodeFaults(cluster, hands),
      hands: [...hands, ...downHands, ...pauseHands],
    };
    try {
      await cluster.start();
      for (const replica of this.replicas) {
        for (const hand of hands) await hand.takeHold?.(cluster.host(replica));
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  apply(fault: ResolvedFault): Promise<void> {
    return this.#inTurn(async () => {
      const { ground, processFaults, nodeFaults } = this.#running();
      const { kind } = fault.intent;
      if (!this.capabilities.has(kind)) throw new Error(`${this.name} cannot do ${kind}`);
      if (processFaults.kinds.has(kind)) return processFaults.apply(fault);
      if (nodeFaults.kinds.has(kind)) return nodeFaults.apply(fault);
      if (SPOILING.has(kind)) this.#refusals.set(fault.id, refusalsOf(await this.observe()));
      this.#networkFaults.set(fault.id, fault);
      await ground.network.apply([...this.#networkFaults.values()]);
    });
  }

  heal(faultId: string): Promise<Evidence> {
    return this.#inTurn(async () => {
      const { ground, processFaults, nodeFaults } = this.#running();
      if (nodeFaults.has(faultId)) {
        return nodeFaults.heal(faultId, (node) => processFaults.holdsDown(node));
      }
      const fault = this.#networkFaults.get(faultId);
      if (fault === undefined) return processFaults.heal(faultId);
      this.#networkFaults.delete(faultId);
      await ground.network.apply([...this.#networkFaults.values()]);
      const evidence = await ground.network.evidence(fault);
      const before = this.#refusals.get(faultId);
      if (before === undefined) return evidence;
      const refused = refusedBetween(before, refusalsOf(await this.observe()));
      return { ...evidence, measured: { ...evidence.measured, ...refused } };
    });
  }

  call(client: NodeName, call: ClientCall): Promise<ClientAnswer> {
    return this.#running().cluster.call(client, call);
  }

  observe(): Promise<readonly NodeStatus[]> {
    return this.#running().cluster.observe();
  }

  unexpectedExits(): readonly NodeExit[] {
    if (this.#started === undefined) return [];
    return [...this.#started.cluster.unexpectedExits(), ...this.#started.ground.failures()];
  }

  /** The second call waits for the first. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    if (this.#started === undefined) return;
    const { cluster, ground, hands, processFaults, nodeFaults } = this.#started;
    await this.#queue;
    // One part that cannot clean up must not keep the others from it; the first failure is told.
    const failures: unknown[] = [];
    const part = (end: () => Promise<void>) => end().catch((error) => failures.push(error));
    await part(() => nodeFaults.letGoOfAll());
    await part(() => processFaults.resumeAll());
    await part(() => cluster.stop());
    if (ground.collect !== undefined) await part(ground.collect);
    for (const hand of hands) await part(() => hand.close());
    await part(() => ground.close());
    if (failures.length > 0) throw failures[0];
  }

  /** Of these hands, those for the faults to come. */
  #needed<T extends { kinds: ReadonlySet<FaultKind> }>(hands: readonly T[]): readonly T[] {
    const { faults } = this.#options;
    return faults === undefined
      ? hands
      : hands.filter(({ kinds }) => faults.some((kind) => kinds.has(kind)));
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => undefined); // Its caller sees the error; the next may go on.
    return result;
  }

  #running(): Started {
    if (this.#started === undefined) throw new Error(`${this.name}: start it first`);
    return this.#started;
  }
}

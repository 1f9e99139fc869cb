// Performs a scenario's faults at their moments, names their targets from what the cluster is then, and
// writes down what came of them. At the end it heals a core, and only that.

import type { ClusterView, FaultIntent, FaultRecord, NodeName } from "../../nemesis/faults.js";
import { createRandom, type Random } from "../../nemesis/random.js";
import { resolveFault } from "../../nemesis/resolve.js";
import type { HistoryRecorder } from "../history-recorder.js";
import { laggardOf } from "../observation.js";
import type { Scenario } from "./scenario.js";
import type { World } from "./world.js";

export class Nemesis {
  readonly records: FaultRecord[] = [];
  readonly #world: World;
  readonly #scenario: Scenario;
  readonly #recorder: HistoryRecorder;
  readonly #random: Random;
  readonly #active = new Set<string>();
  #over = false;

  constructor(world: World, scenario: Scenario, recorder: HistoryRecorder) {
    this.#world = world;
    this.#scenario = scenario;
    this.#recorder = recorder;
    this.#random = createRandom(scenario.seed).fork("nemesis");
  }

  /** Plans every fault, from now on. */
  plan(): void {
    const { queue } = this.#world;
    for (const { id, intent, startMs, stopMs } of this.#scenario.faults) {
      queue.after(startMs * 1_000, () => this.#start(id, intent));
      queue.after(stopMs * 1_000, () => this.#stop(id));
    }
  }

  /** Heals everything, and breaks again what is to stay broken outside the core. */
  healCore(): void {
    for (const id of [...this.#active].reverse()) this.#stop(id);
    this.#over = true;
    this.#world.network.clearUp();
    for (const { id, intent } of this.#scenario.rest) this.#apply(id, intent);
    this.#world.restartWhoMay();
  }

  #start(id: string, intent: FaultIntent): void {
    if (!this.#over) this.#apply(id, intent);
  }

  #apply(id: string, intent: FaultIntent): void {
    const fault = resolveFault(id, intent, this.#view(), this.#random.fork(id));
    if (fault.nodes.length === 0 && fault.links.length === 0) return;
    this.#active.add(id);
    this.records.push({ type: "start", time: this.#now(), fault });
    this.#recorder.nemesis(`start-${intent.kind}`, fault);
    this.#world.apply(fault);
  }

  #stop(id: string): void {
    if (!this.#active.delete(id)) return;
    const evidence = this.#world.heal(id);
    this.records.push({ type: "stop", time: this.#now(), faultId: id, evidence });
    this.#recorder.nemesis("stop", evidence);
  }

  #view(): ClusterView {
    const { replicaNames, clientNames } = this.#world;
    const f = (this.#scenario.replicas - 1) / 3;
    const primary = this.#primary(f);
    return { replicas: replicaNames, clients: clientNames, f, primary, laggard: this.#laggard() };
  }

  /** Of those that run. */
  #laggard(): NodeName | undefined {
    const seqs = this.#world.replicas.flatMap(({ id, replica }) =>
      replica === undefined ? [] : [{ node: `r${id}`, seq: replica.executedSeq }],
    );
    return laggardOf(seqs);
  }

  /** Of the newest view that f+1 replicas have entered. */
  #primary(f: number): NodeName | undefined {
    const views = this.#world.replicas
      .flatMap(({ replica }) => (replica?.viewActive === true ? [replica.view] : []))
      .sort((a, b) => b - a);
    const view = views[f];
    return view === undefined ? undefined : `r${view % this.#scenario.replicas}`;
  }

  #now(): number {
    return this.#world.queue.nowUs * 1_000;
  }
}

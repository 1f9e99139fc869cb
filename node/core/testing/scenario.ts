// One random run: load under faults for a while, then everything is healed and must come to rest.

import assert from "node:assert";
import type { ReplicaId } from "../messages.js";
import { Cluster } from "./cluster.js";
import { createLiar } from "./liar.js";

/** Modelled time within which a healed cluster must have answered everything and be equal. */
const HEALED_LIMIT_MS = 120_000;
/** Some status intervals. */
const REST_MS = 1_000;

export function runScenario(seed: number): Cluster {
  const n = seed % 4 === 0 ? 7 : 4;
  const batchesOutstandingMax = 1 + (seed % 3);
  const cluster = new Cluster({ n, seed, sessions: 3, config: { batchesOutstandingMax } });
  const { random, network, nodes, config } = cluster;
  cluster.ask(12 + random.below(20));
  network.lossProbability = random.pick([0, 0.02, 0.1, 0.25]);
  network.duplicateProbability = random.pick([0, 0.1]);
  network.delayMsMax = random.pick([3, 20, 80]);

  const budget = random.pick(["crashes only", "a liar", "a wiped disk"] as const);
  if (budget === "a liar") {
    for (let liars = 0; liars < cluster.f; liars++) {
      const id = random.below(n);
      const probability = random.pick([0.05, 0.3, 1]);
      cluster.node(id).liar = createLiar({ id, cluster: config.cluster, n, probability });
    }
  }
  if (budget === "a wiped disk") {
    const id = random.below(n);
    cluster.after(random.below(2500), () => {
      cluster.crash(id, "power-cut");
      cluster.restartWiped(id);
    });
  }
  const faults = 2 + random.below(6);
  for (let fault = 0; fault < faults; fault++) {
    cluster.runFor(random.below(700));
    injectFault(cluster);
  }
  cluster.runFor(random.below(2000));
  network.lossProbability = 0;
  network.duplicateProbability = 0;
  network.delayMsMax = 3;
  network.connected = () => true;
  for (const node of nodes) {
    node.effectsUntilCrash = Number.POSITIVE_INFINITY;
    cluster.restart(node.id);
  }
  cluster.runUntil(() => cluster.answered, HEALED_LIMIT_MS, `seed ${seed}: all answered`);
  if (budget === "a wiped disk") rejoin(cluster, seed);
  cluster.runFor(REST_MS); // what is acknowledged and not yet executed again after a power cut
  cluster.runUntil(() => cluster.converged, HEALED_LIMIT_MS, `seed ${seed}: all equal`);
  cluster.checkHistories();
  for (const { done } of cluster.sessions) assert(done.length > 0);
  return cluster;
}

/** A wiped replica votes again once the others have gone on for a window. */
function rejoin(cluster: Cluster, seed: number): void {
  const rejoined = () => cluster.nodes.every(({ replica }) => replica.rejoin === undefined);
  for (let round = 0; round < 10 && !rejoined(); round++) {
    cluster.ask(cluster.config.window);
    cluster.runUntil(() => cluster.answered, HEALED_LIMIT_MS, `seed ${seed}: answered meanwhile`);
  }
  cluster.runUntil(rejoined, HEALED_LIMIT_MS, `seed ${seed}: the wiped replica rejoined`);
}

function injectFault(cluster: Cluster): void {
  const { random, nodes, f, network, config } = cluster;
  const victim = random.below(config.n);
  switch (random.below(7)) {
    case 0: // dies between two effects, some time soon
      cluster.node(victim).effectsUntilCrash = random.below(60);
      break;
    case 1:
      cluster.crash(victim, random.pick(["kill", "power-cut"]));
      break;
    case 2: {
      const how = random.pick(["kill", "power-cut"] as const);
      for (const { id } of nodes) cluster.crash(id, how);
      for (const { id } of nodes) cluster.after(random.below(300), () => cluster.restart(id));
      break;
    }
    case 3: {
      const cut = new Set<ReplicaId>();
      const size = 1 + random.below(Math.max(f, Math.floor(config.n / 2)));
      while (cut.size < size) cut.add(random.below(config.n));
      network.connected = (from, to) => cut.has(from) === cut.has(to);
      break;
    }
    case 4: {
      const [a, b] = [victim, random.below(config.n)];
      network.connected = (from, to) => !(from === a && to !== b); // one way
      break;
    }
    case 5:
      cluster.node(victim).pausedUntilMs = cluster.nowMs + random.below(2_000);
      break;
    default:
      network.connected = () => true;
  }
  for (const { id, alive } of nodes) {
    if (!alive) cluster.after(random.below(800), () => cluster.restart(id));
  }
}

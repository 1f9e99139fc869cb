// From intent to fact: which nodes and which directed links a fault means, given the cluster as it is
// now. Percentages and partitions act on links into their targets; process faults act on replicas.

import type {
  ClusterView,
  FaultIntent,
  LinkRule,
  NodeName,
  PartitionShape,
  ResolvedFault,
  Target,
} from "./faults.js";
import {
  bridge,
  completeGrudge,
  cutClients,
  deafen,
  type Grudge,
  isolate,
  linksOfGrudge,
  majoritiesRing,
  mute,
  splitHalves,
} from "./grudge.js";
import type { Random } from "./random.js";

/**
 * Names the nodes and links of an intent. Deterministic in `random`, which it draws from.
 * Throws where the intent names a node that the cluster does not have.
 */
export function resolveFault(
  id: string,
  intent: FaultIntent,
  view: ClusterView,
  random: Random,
): ResolvedFault {
  switch (intent.kind) {
    case "partition":
      return { id, intent, ...resolvePartition(intent.shape, intent.target, view, random) };
    case "loss": {
      const { percent } = intent;
      return resolveLinks(id, intent, view, random, (link) => ({ ...link, lossPercent: percent }));
    }
    case "duplicate": {
      const { percent } = intent;
      return resolveLinks(id, intent, view, random, (link) => ({
        ...link,
        duplicatePercent: percent,
      }));
    }
    case "reorder": {
      const { percent, gapMs } = intent;
      return resolveLinks(id, intent, view, random, (link) => ({
        ...link,
        reorder: { percent, gapMs },
      }));
    }
    case "delay": {
      const { delayMs, jitterMs } = intent;
      return resolveLinks(id, intent, view, random, (link) => ({
        ...link,
        delay: { delayMs, jitterMs },
      }));
    }
    case "corrupt": {
      const { percent } = intent;
      return resolveLinks(id, intent, view, random, (link) => ({
        ...link,
        corruptPercent: percent,
      }));
    }
    case "replay": {
      const { percent } = intent;
      return resolveLinks(id, intent, view, random, (link) => ({
        ...link,
        replayPercent: percent,
      }));
    }
    case "bandwidth": {
      const { bytesPerSecond } = intent;
      return resolveLinks(id, intent, view, random, (link) => ({ ...link, bytesPerSecond }));
    }
    case "clog":
      return resolveLinks(id, intent, view, random, (link) => ({ ...link, clogged: true }));
    case "kill":
    case "terminate":
    case "kill-at":
    case "memory":
    case "files":
    case "pause":
    case "freeze":
    case "power-cut":
    case "crash":
    case "slow-cpu":
    case "clock":
    case "strobe":
    case "disk":
    case "disk-damage":
    case "lie":
      return { id, intent, nodes: resolveTarget(intent.target, view, random), links: [] };
    default:
      return intent satisfies never;
  }
}

/**
 * The replicas (and, by "nodes", the clients) that a target means, in the cluster's order.
 * In PBFT the minority that may be lost is f and the majority that decides is the quorum, n − f.
 * "primary" falls back to any one replica while the primary is not known.
 */
export function resolveTarget(target: Target, view: ClusterView, random: Random): NodeName[] {
  const { replicas, clients, f, primary } = view;
  switch (target.kind) {
    case "none":
      return [];
    case "one":
      return [random.pick(replicas)];
    case "primary":
      return [primary ?? random.pick(replicas)];
    case "backup": {
      const backups = replicas.filter((replica) => replica !== primary);
      return [random.pick(backups)];
    }
    case "f":
    case "minority":
      return some(replicas, f, random);
    case "majority":
      return some(replicas, replicas.length - f, random);
    case "all":
      return [...replicas];
    case "replica": {
      const replica = replicas[target.index % replicas.length];
      return replica === undefined ? [] : [replica];
    }
    case "nodes": {
      const known = [...replicas, ...clients];
      const unknown = target.nodes.filter((node) => !known.includes(node));
      if (unknown.length > 0) {
        throw new RangeError(
          `fault names ${unknown.join(", ")}, but the cluster has ${known.join(", ")}`,
        );
      }
      return known.filter((node) => target.nodes.includes(node));
    }
    default:
      return target satisfies never;
  }
}

function some(nodes: readonly NodeName[], count: number, random: Random): NodeName[] {
  const chosen = random.shuffle(nodes).slice(0, count);
  return nodes.filter((node) => chosen.includes(node));
}

/**
 * Who no longer hears whom. Halves, bridge and ring divide the replicas only: clients reach every side,
 * which is what tempts two sides into deciding differently. Targets of halves stand in the smaller
 * half; the target of a bridge is the bridge.
 */
function resolvePartition(
  shape: PartitionShape,
  target: Target,
  view: ClusterView,
  random: Random,
): { nodes: NodeName[]; links: LinkRule[] } {
  const everybody = [...view.replicas, ...view.clients];
  const targets = resolveTarget(target, view, random);
  const cut = (nodes: NodeName[], grudge: Grudge) => ({
    nodes,
    links: withoutClientPairs(linksOfGrudge(grudge), view),
  });
  switch (shape) {
    case "isolate":
      return cut(targets, isolate(targets, everybody));
    case "one-way-in":
      return cut(targets, deafen(targets, everybody));
    case "one-way-out":
      return cut(targets, mute(targets, everybody));
    case "halves": {
      const halves = splitHalves(targetsFirst(targets, view, random));
      const smaller = view.replicas.filter((replica) => halves[0].includes(replica));
      return cut(smaller, completeGrudge(halves));
    }
    case "bridge": {
      const order = targetsFirst(targets, view, random);
      return cut(order.slice(0, 1), bridge(order));
    }
    case "majorities-ring":
      return cut([...view.replicas], majoritiesRing(view.replicas, random));
    case "clients": {
      const named = view.clients.filter((client) => targets.includes(client));
      const clients = named.length > 0 ? named : [...view.clients];
      return cut(clients, cutClients(clients, view.replicas));
    }
    default:
      return shape satisfies never;
  }
}

function targetsFirst(targets: readonly NodeName[], view: ClusterView, random: Random): NodeName[] {
  const order = random.shuffle(view.replicas);
  return [
    ...order.filter((replica) => targets.includes(replica)),
    ...order.filter((replica) => !targets.includes(replica)),
  ];
}

/** Every link into the targets, from replicas and clients; "all" means the clients' links too. */
function resolveLinks(
  id: string,
  intent: FaultIntent,
  view: ClusterView,
  random: Random,
  spoil: (link: LinkRule) => LinkRule,
): ResolvedFault {
  const everybody = [...view.replicas, ...view.clients];
  const nodes =
    intent.target.kind === "all" ? everybody : resolveTarget(intent.target, view, random);
  const links = nodes.flatMap((to) =>
    everybody.filter((from) => from !== to).map((from) => spoil({ from, to })),
  );
  return { id, intent, nodes, links: withoutClientPairs(links, view) };
}

/** Clients have nothing to say to one another; not every environment has a link between them. */
function withoutClientPairs(links: readonly LinkRule[], { clients }: ClusterView): LinkRule[] {
  return links.filter(({ from, to }) => !clients.includes(from) || !clients.includes(to));
}

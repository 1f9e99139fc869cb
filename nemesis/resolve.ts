// From intent to fact: which nodes and which directed links a fault means, given the cluster as it is
// now. Percentages and partitions act on links into their targets; process faults act on replicas.

import type {
  ClusterView,
  FaultIntent,
  LinkRule,
  NodeName,
  ResolvedFault,
  Target,
} from "./faults.js";
import { requireMatch } from "./messages.js";
import { partitionOf, withoutClientPairs } from "./partitions.js";
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
    case "partition": {
      const targets = resolveTarget(intent.target, view, random);
      return { id, intent, ...partitionOf(intent, targets, view, random) };
    }
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
    case "message":
      return resolveMessages(id, intent, view, random);
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
      return { id, intent, nodes: replicasOf(intent, view, random), links: [] };
    default:
      return intent satisfies never;
  }
}

/**
 * The replicas (and, by "nodes", the clients) that a target means, in the cluster's order.
 * In PBFT the minority that may be lost is f and the majority that decides is the quorum, n − f.
 * "primary", "next-primary" and "laggard" fall back to any one replica where it is not known who that is.
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
    case "next-primary": {
      if (primary === undefined) return [random.pick(replicas)];
      const next = replicas[(replicas.indexOf(primary) + 1) % replicas.length];
      return next === undefined ? [] : [next];
    }
    case "laggard":
      return [view.laggard ?? random.pick(replicas)];
    case "clients":
      return [...clients];
    case "minority-third":
      return some(
        replicas,
        1 + random.int(Math.max(1, Math.floor((replicas.length - 1) / 3))),
        random,
      );
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

/** Throws a RangeError on `clients`: what is done to nodes is done to replicas. */
function replicasOf({ kind, target }: FaultIntent, view: ClusterView, random: Random): NodeName[] {
  if (target.kind !== "clients") return resolveTarget(target, view, random);
  throw new RangeError(`${kind} is done to replicas: clients can be the target of links only`);
}

function some(nodes: readonly NodeName[], count: number, random: Random): NodeName[] {
  const chosen = random.shuffle(nodes).slice(0, count);
  return nodes.filter((node) => chosen.includes(node));
}

function resolveMessages(
  id: string,
  intent: Extract<FaultIntent, { kind: "message" }>,
  view: ClusterView,
  random: Random,
): ResolvedFault {
  const { effect, match, direction } = intent;
  requireMatch(match);
  const rule = { messages: [{ faultId: id, effect, match }] };
  const into = resolveLinks(id, intent, view, random, (link) => ({ ...link, ...rule }));
  if (direction === "in") return into;
  return { ...into, links: into.links.map((link) => ({ ...link, from: link.to, to: link.from })) };
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

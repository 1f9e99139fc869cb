// From intent to fact: which nodes and which directed links a fault means, given the cluster as it is
// now. Percentages and partitions act on links into their targets; process faults act on replicas.

import type {
  ClusterView,
  FaultIntent,
  LinkRule,
  LinkScope,
  NodeName,
  ResolvedFault,
  Target,
} from "./faults.js";
import { everyNth } from "./link-loss.js";
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
    case "message":
      requireMatch(intent.match);
      return resolveLinks(id, intent, view, random);
    case "loss":
    case "duplicate":
    case "reorder":
    case "delay":
    case "corrupt":
    case "replay":
    case "bandwidth":
    case "clog":
      return resolveLinks(id, intent, view, random);
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
    case "beyond-f":
      return some(replicas, f + 1, random);
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

/** The links of the target, with replicas and clients; "all" means the clients' links too. */
function resolveLinks(
  id: string,
  intent: LinkIntent,
  view: ClusterView,
  random: Random,
): ResolvedFault {
  const everybody = [...view.replicas, ...view.clients];
  const named = (target: Target, draws: Random) =>
    target.kind === "all" ? everybody : resolveTarget(target, view, draws);
  const nodes = named(intent.target, random);
  const { direction = "in" } = intent;
  const peers = intent.peers === undefined ? everybody : named(intent.peers, random.fork("peers"));
  const ends = nodes.flatMap((node) =>
    peers
      .filter((peer) => peer !== node)
      .flatMap((peer) => [
        ...(direction === "out" ? [] : [{ from: peer, to: node }]),
        ...(direction === "in" ? [] : [{ from: node, to: peer }]),
      ]),
  );
  // Of two targets each is the other's peer: their links must not be harmed twice.
  const links = [...new Map(ends.map((link) => [`${link.from}>${link.to}`, link])).values()];
  const harm = harmOf(id, intent);
  const harmed = links.map((link) => ({ ...link, ...harm }));
  return { id, intent, nodes, links: withoutClientPairs(harmed, view) };
}

type LinkIntent = Extract<FaultIntent, LinkScope & { kind: LinkFaultKind }>;
type LinkFaultKind =
  | "loss"
  | "duplicate"
  | "reorder"
  | "delay"
  | "corrupt"
  | "replay"
  | "bandwidth"
  | "message"
  | "clog";

/** What the intent does to each of its links. */
function harmOf(id: string, intent: LinkIntent): Omit<LinkRule, "from" | "to"> {
  switch (intent.kind) {
    case "loss": {
      const { percent, pattern } = intent;
      if (pattern === undefined) return { lossPercent: percent };
      if (pattern.kind === "every") return { lossEvery: everyNth(percent) };
      return { burstLoss: { percent, lengthMean: pattern.lengthMean } };
    }
    case "duplicate":
      return { duplicatePercent: intent.percent };
    case "reorder":
      return { reorder: { percent: intent.percent, gapMs: intent.gapMs } };
    case "delay": {
      const { delayMs, jitterMs, distribution } = intent;
      const shape = distribution === undefined ? {} : { distribution };
      return { delay: { delayMs, jitterMs, ...shape } };
    }
    case "corrupt":
      return { corruptPercent: intent.percent };
    case "replay":
      return { replayPercent: intent.percent };
    case "bandwidth":
      return { bytesPerSecond: intent.bytesPerSecond };
    case "message":
      return { messages: [{ faultId: id, effect: intent.effect, match: intent.match }] };
    case "clog":
      return { clogged: true };
    default:
      return intent satisfies never;
  }
}

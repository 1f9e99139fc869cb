// Partitions by shape: which nodes a shape is about, and which directed links it cuts.

import type { ClusterView, FaultIntent, LinkRule, NodeName } from "./faults.js";
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
  stochasticRing,
} from "./grudge.js";
import type { Random } from "./random.js";

type Partition = Extract<FaultIntent, { kind: "partition" }>;

/**
 * Who no longer hears whom. Halves, majority, bridge and rings divide the replicas only: clients reach
 * every side, which is what tempts two sides into deciding differently. Targets of halves stand in the
 * smaller half, those of a majority outside it; the target of a bridge is the bridge.
 */
export function partitionOf(
  { shape, turn }: Partition,
  targets: readonly NodeName[],
  view: ClusterView,
  random: Random,
): { nodes: NodeName[]; links: LinkRule[] } {
  const everybody = [...view.replicas, ...view.clients];
  const cut = (nodes: NodeName[], grudge: Grudge) => ({
    nodes,
    links: withoutClientPairs(linksOfGrudge(grudge), view),
  });
  switch (shape) {
    case "isolate":
      return cut([...targets], isolate(targets, everybody));
    case "one-way-in":
      return cut([...targets], deafen(targets, everybody));
    case "one-way-out":
      return cut([...targets], mute(targets, everybody));
    case "halves": {
      const halves = splitHalves(targetsFirst(targets, view, random));
      const smaller = view.replicas.filter((replica) => halves[0].includes(replica));
      return cut(smaller, completeGrudge(halves));
    }
    case "majority": {
      const rest = restOf(targets, turn, view, random);
      const together = view.replicas.filter((replica) => !rest.includes(replica));
      return cut(rest, completeGrudge([rest, together]));
    }
    case "bridge": {
      const order = targetsFirst(targets, view, random);
      return cut(order.slice(0, 1), bridge(order));
    }
    case "majorities-ring":
      return cut([...view.replicas], majoritiesRing(view.replicas, random));
    case "stochastic-ring":
      return cut([...view.replicas], stochasticRing(view.replicas, random));
    case "primary-partial": {
      const [primary = someone(view, random)] = targets;
      const backups = random.shuffle(view.replicas.filter((replica) => replica !== primary));
      return cut([primary], completeGrudge([[primary], backups.slice(0, view.f + 1)]));
    }
    case "client-primary": {
      const [primary = someone(view, random)] = targets;
      return cut([primary], cutClients(view.clients, [primary]));
    }
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

/** Those outside the majority: the targets, else f in turn, so that all come to be cut off, else any f. */
function restOf(
  targets: readonly NodeName[],
  turn: number | undefined,
  { replicas, f }: ClusterView,
  random: Random,
): NodeName[] {
  const inTurn = (_: unknown, index: number) =>
    replicas[((turn ?? 0) * f + index) % replicas.length];
  const rotated = Array.from({ length: f }, inTurn);
  const chosen = turn === undefined ? random.shuffle(replicas).slice(0, f) : rotated;
  return replicas.filter((one) => (targets.length > 0 ? targets : chosen).includes(one));
}

function someone({ primary, replicas }: ClusterView, random: Random): NodeName {
  return primary ?? random.pick(replicas);
}

/** Clients have nothing to say to one another; not every environment has a link between them. */
export function withoutClientPairs(
  links: readonly LinkRule[],
  { clients }: ClusterView,
): LinkRule[] {
  return links.filter(({ from, to }) => !clients.includes(from) || !clients.includes(to));
}

// Partitions as grudges: for each node, the nodes whose datagrams it refuses. Grudges are directed, so
// a one-way cut is one too. Source: jepsen.nemesis (complete-grudge, bridge, majorities-ring
// and its stochastic variant).

import type { LinkRule, NodeName } from "./faults.js";
import type { Random } from "./random.js";

/** Receiver → the senders it does not hear. Receivers without a grudge may be absent. */
export type Grudge = ReadonlyMap<NodeName, ReadonlySet<NodeName>>;

/** Nobody hears anybody outside their own component. Nodes in no component are left alone. */
export function completeGrudge(components: readonly (readonly NodeName[])[]): Grudge {
  return grudgeBy(components.flat(), (receiver, sender) =>
    components.some((component) => component.includes(receiver) && !component.includes(sender)),
  );
}

/** Two halves, the smaller first: nodes 0 .. ⌊n/2⌋−1 and the rest. */
export function splitHalves(nodes: readonly NodeName[]): [NodeName[], NodeName[]] {
  const middle = Math.floor(nodes.length / 2);
  return [nodes.slice(0, middle), nodes.slice(middle)];
}

/** Cuts the group off from all others, both ways; inside the group all still hear each other. */
export function isolate(group: readonly NodeName[], everybody: readonly NodeName[]): Grudge {
  return completeGrudge([group, everybody.filter((node) => !group.includes(node))]);
}

/** Two halves that hear each other only through the first node, which hears and is heard by all. */
export function bridge(nodes: readonly NodeName[]): Grudge {
  const [link, ...others] = nodes;
  if (link === undefined) return new Map();
  return completeGrudge(splitHalves(others));
}

/**
 * Every node hears a majority of ⌊n/2⌋+1 (itself included), no two nodes the same majority; hearing
 * is mutual. Nodes stand on a ring, in random order, and hear the neighbours nearest to them. With an
 * even majority the neighbours cannot lie evenly on both sides, so there the one more is the node
 * opposite where n is even; where n is odd the majority is one larger.
 * From n = 4 on; below that the only majority is everybody but one, and nothing would be cut.
 */
export function majoritiesRing(nodes: readonly NodeName[], random: Random): Grudge {
  const n = nodes.length;
  if (n < 4) return new Map();
  const ring = random.shuffle(nodes);
  const majority = Math.floor(n / 2) + 1;
  const each = Math.floor(majority / 2); // Neighbours heard on each side.
  const reach = n % 2 === 1 || majority % 2 === 1 ? each : each - 1;
  const hearsOpposite = n % 2 === 0 && majority % 2 === 0;
  return grudgeBy(ring, (receiver, sender) => {
    const apart = Math.abs(ring.indexOf(receiver) - ring.indexOf(sender));
    const distance = Math.min(apart, n - apart);
    return distance > reach && !(hearsOpposite && distance === n / 2);
  });
}

/**
 * Every node hears a majority of ⌊n/2⌋+1 at least (itself included); hearing is mutual. Grown from
 * nobody hearing anybody: the least connected node is joined to one of the least connected others,
 * until all have their majority. Two nodes may hear the same one.
 * @source jepsen.nemesis, majorities-ring-stochastic
 */
export function stochasticRing(nodes: readonly NodeName[], random: Random): Grudge {
  const majority = Math.floor(nodes.length / 2) + 1;
  const heard = new Map(nodes.map((node) => [node, new Set([node])]));
  const degree = (node: NodeName) => heard.get(node)?.size ?? 0;
  const least = (among: readonly NodeName[]) =>
    random.shuffle(among).reduce((best, node) => (degree(node) < degree(best) ? node : best));
  for (let node = least(nodes); degree(node) < majority; node = least(nodes)) {
    const peer = least(nodes.filter((other) => !heard.get(node)?.has(other)));
    heard.get(node)?.add(peer);
    heard.get(peer)?.add(node);
  }
  return grudgeBy(nodes, (receiver, sender) => !heard.get(receiver)?.has(sender));
}

/** The targets hear nobody outside the group, but are heard. */
export function deafen(group: readonly NodeName[], everybody: readonly NodeName[]): Grudge {
  return grudgeBy(
    everybody,
    (receiver, sender) => group.includes(receiver) && !group.includes(sender),
  );
}

/** The targets are heard by nobody outside the group, but hear. */
export function mute(group: readonly NodeName[], everybody: readonly NodeName[]): Grudge {
  return grudgeBy(
    everybody,
    (receiver, sender) => group.includes(sender) && !group.includes(receiver),
  );
}

/** No replica hears these clients, and these clients hear no replica. */
export function cutClients(clients: readonly NodeName[], replicas: readonly NodeName[]): Grudge {
  return completeGrudge([clients, replicas]);
}

/** One dropping rule per refused directed link, in the order of the grudge. */
export function linksOfGrudge(grudge: Grudge): LinkRule[] {
  return [...grudge].flatMap(([to, senders]) =>
    [...senders].map((from) => ({ from, to, drop: true })),
  );
}

/** Nodes that the receiver still hears, itself included. */
export function heardBy(
  receiver: NodeName,
  nodes: readonly NodeName[],
  grudge: Grudge,
): ReadonlySet<NodeName> {
  return new Set(nodes.filter((sender) => !grudge.get(receiver)?.has(sender)));
}

function grudgeBy(
  nodes: readonly NodeName[],
  refuses: (receiver: NodeName, sender: NodeName) => boolean,
): Grudge {
  const grudge = new Map<NodeName, ReadonlySet<NodeName>>();
  for (const receiver of nodes) {
    const refused = nodes.filter((sender) => sender !== receiver && refuses(receiver, sender));
    if (refused.length > 0) grudge.set(receiver, new Set(refused));
  }
  return grudge;
}

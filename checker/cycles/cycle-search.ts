// Finds in a component a short cycle of each kind that it holds, the worst kind first. Whether a kind
// is there at all is decided by strongly connected components of a graph cut to the edges allowed,
// so the search for a witness starts only from edges that lie on one.
// Source: Elle, VLDB 2020, §6; Cerone & Gotsman, "Analysing Snapshot Isolation", for rw edges apart

import { byte, int } from "../columns.js";
import { type AnomalyName, CYCLE_KINDS, type CycleKind, impliedAnomalies } from "./anomalies.js";
import type { Component } from "./component.js";
import { classify, type Step, simpleCycles } from "./cycle.js";
import { PROCESS, REALTIME, RW, WR, WW } from "./edges.js";
import { components, graphOf } from "./graph.js";
import { realTimeChain } from "./order-edges.js";

export type FoundCycle = { name: AnomalyName; steps: readonly Step[] };

export type CycleSearch = {
  cycles: FoundCycle[];
  /** Kinds for which the budget ran out before every edge was tried. */
  unfinished: CycleKind[];
};

/** Edges looked at for one kind in one component; counted, so that verdicts repeat. */
const VISITS_MAX = 20_000_000;
/** A witness once found, this many edges more are tried for a shorter one. */
const TRIES_MAX = 32;

const ORDER_EDGES = [0, PROCESS, REALTIME] as const;
const ORDER_SUFFIX = { 0: "", [PROCESS]: "-process", [REALTIME]: "-realtime" } as const;

export function searchCycles(component: Component): CycleSearch {
  const found: CycleSearch = { cycles: [], unfinished: [] };
  const implied = new Set<string>();
  for (const order of ORDER_EDGES) {
    for (const kind of CYCLE_KINDS) {
      const name: AnomalyName = `${kind}${ORDER_SUFFIX[order]}`;
      if (implied.has(name)) continue;
      const { steps, finished } = findCycle(component, kind, order);
      if (!finished) found.unfinished.push(kind);
      if (steps === undefined) continue;
      const actual = classify(steps);
      if (implied.has(actual)) continue;
      found.cycles.push({ name: actual, steps });
      for (const wider of impliedAnomalies([actual])) implied.add(wider);
    }
  }
  return found;
}

/** What a cycle of the kind begins with, and what may follow. */
type Plan = {
  first: number;
  rest: number;
  /** Whether no rw edge may follow another, the last and the first included. */
  apart: boolean;
};

function planOf(kind: CycleKind, order: number): Plan {
  switch (kind) {
    case "G0":
      return { first: WW, rest: WW | order, apart: false };
    case "G1c":
      return { first: WR, rest: WW | WR | order, apart: false };
    case "G-single":
      return { first: RW, rest: WW | WR | order, apart: true };
    case "G-nonadjacent":
      return { first: RW, rest: WW | WR | RW | order, apart: true };
    case "G2-item":
      return { first: RW, rest: WW | WR | RW | order, apart: false };
    default:
      return kind satisfies never;
  }
}

function findCycle(
  component: Component,
  kind: CycleKind,
  order: number,
): { steps?: readonly Step[]; finished: boolean } {
  const plan = planOf(kind, order);
  const layers = plan.apart ? nonadjacentLayers(component, order) : plainLayers(component, plan);
  const walk = new Walk(component, plan);
  let best: readonly Step[] | undefined;
  let tries = 0;
  for (const [member, edge] of candidates(component, plan.first, layers)) {
    if (walk.visits > VISITS_MAX) return withSteps(best, false);
    const steps = walk.from(member, edge, best?.length ?? Number.POSITIVE_INFINITY);
    for (const cycle of steps === undefined ? [] : simpleCycles(steps)) {
      if (isOf(kind, cycle) && cycle.length < (best?.length ?? Number.POSITIVE_INFINITY)) {
        best = cycle;
      }
    }
    tries += best === undefined ? 0 : 1;
    if (best?.length === 2 || tries > TRIES_MAX) break;
  }
  return withSteps(best, true);
}

/**
 * Edges of the kinds that can lie on a cycle, with the member they leave; those first that lead
 * furthest back in time, for they are most likely to be what is wrong.
 */
function candidates(component: Component, kinds: number, onCycle: OnCycle): [number, number][] {
  const found: [number, number][] = [];
  for (let member = 0; member < component.txns.length; member++) {
    const end = int(component.start, member + 1);
    for (let edge = int(component.start, member); edge < end; edge++) {
      if ((byte(component.kind, edge) & kinds) === 0) continue;
      if (onCycle(member, int(component.to, edge))) found.push([member, edge]);
    }
  }
  const back = ([member, edge]: [number, number]) => member - int(component.to, edge);
  return found.sort((a, b) => back(b) - back(a) || a[1] - b[1]);
}

/** A search for the wider kinds may meet a narrower one that was given up before. */
function isOf(kind: CycleKind, cycle: readonly Step[]): boolean {
  const found = CYCLE_KINDS.findIndex((each) => classify(cycle).startsWith(each));
  const wanted = CYCLE_KINDS.indexOf(kind);
  return kind === "G0" || kind === "G1c" ? found === wanted : found >= 2 && found <= wanted;
}

function withSteps(steps: readonly Step[] | undefined, finished: boolean) {
  return steps === undefined ? { finished } : { steps, finished };
}

/** Whether an edge between two members can lie on a cycle of the plan. */
type OnCycle = (from: number, to: number) => boolean;

function plainLayers(component: Component, plan: Plan): OnCycle {
  const size = component.txns.length;
  const [from, to] = edgesOf(component, plan.first | plan.rest, (edgeFrom, edgeTo, _, push) =>
    push(edgeFrom, edgeTo),
  );
  const { of } = withChain(component, plan.rest, size, from, to, 1);
  return (a, b) => of[a] !== -1 && of[a] === of[b];
}

/**
 * Two nodes for each member: 2m as reached by any edge but rw, 2m + 1 as reached by rw. From the
 * second no rw leaves, so a cycle here is one whose rw edges are apart.
 */
function nonadjacentLayers(component: Component, order: number): OnCycle {
  const size = component.txns.length;
  const kinds = WW | WR | RW | order;
  const [from, to] = edgesOf(component, kinds, (edgeFrom, edgeTo, kind, push) => {
    if (kind === RW) push(2 * edgeFrom, 2 * edgeTo + 1);
    else {
      push(2 * edgeFrom, 2 * edgeTo);
      push(2 * edgeFrom + 1, 2 * edgeTo);
    }
  });
  const { of } = withChain(component, kinds, size, from, to, 2);
  return (a, b) => of[2 * a] !== -1 && of[2 * a] === of[2 * b + 1];
}

type Push = (from: number, to: number) => void;

function edgesOf(
  { txns, start, to, kind }: Component,
  kinds: number,
  each: (from: number, to: number, kind: number, push: Push) => void,
): [number[], number[]] {
  const [froms, tos]: [number[], number[]] = [[], []];
  const push = (from: number, target: number) => {
    froms.push(from);
    tos.push(target);
  };
  for (let member = 0; member < txns.length; member++) {
    for (let edge = int(start, member); edge < int(start, member + 1); edge++) {
      const edgeKind = byte(kind, edge);
      if ((edgeKind & kinds) !== 0) each(member, int(to, edge), edgeKind, push);
    }
  }
  return [froms, tos];
}

/** Components of the edges, with real time's chain where it is allowed; `layers` nodes a member. */
function withChain(
  component: Component,
  kinds: number,
  size: number,
  from: number[],
  to: number[],
  layers: 1 | 2,
) {
  const nodes = layers * size;
  if ((kinds & REALTIME) === 0) {
    return components(graphOf(nodes, { from: Int32Array.from(from), to: Int32Array.from(to) }));
  }
  const chain = realTimeChain(component.firstAfter, size, () => true);
  const place = (node: number) => (node < size ? layers * node : nodes + node - size);
  for (const [edge, source] of chain.from.entries()) {
    const target = place(int(chain.to, edge));
    from.push(place(source));
    to.push(target);
    if (layers === 2 && source < size) {
      from.push(2 * source + 1);
      to.push(target);
    }
  }
  return components(
    graphOf(nodes + chain.links, { from: Int32Array.from(from), to: Int32Array.from(to) }),
  );
}

/** Breadth first from one edge back to where it begins. Guards: what one walk marked, the next forgets. */
class Walk {
  readonly #component: Component;
  readonly #plan: Plan;
  readonly #seen: Int32Array;
  readonly #parent: Int32Array;
  readonly #edge: Int32Array;
  readonly #queue: Int32Array;
  #round = 0;
  visits = 0;

  constructor(component: Component, plan: Plan) {
    this.#component = component;
    this.#plan = plan;
    const states = 2 * component.txns.length;
    this.#seen = new Int32Array(states);
    this.#parent = new Int32Array(states);
    this.#edge = new Int32Array(states);
    this.#queue = new Int32Array(states);
  }

  /** The shortest closed walk that begins with the edge and has fewer steps than `below`. */
  from(origin: number, edge: number, below: number): Step[] | undefined {
    const { to, kind, start, firstAfter, txns } = this.#component;
    const { apart, rest } = this.#plan;
    const size = txns.length;
    this.#round += 1;
    const queue = this.#queue;
    let [head, tail, covered] = [0, 0, size];
    const visit = (member: number, afterRw: boolean, parent: number, by: number) => {
      const state = 2 * member + Number(apart && afterRw);
      if (this.#seen[state] === this.#round) return;
      this.#seen[state] = this.#round;
      this.#parent[state] = parent;
      this.#edge[state] = by;
      queue[tail++] = state;
    };
    visit(int(to, edge), kind[edge] === RW, -1, edge);
    while (head < tail) {
      const state = int(queue, head++);
      const member = state >> 1;
      if (member === origin && (state & 1) === 0) {
        const steps = this.#steps(origin, state);
        return steps.length < below ? steps : undefined;
      }
      const allowed = (state & 1) === 1 ? rest & ~RW : rest;
      const end = int(start, member + 1);
      for (let next = int(start, member); next < end; next++) {
        this.visits += 1;
        const nextKind = byte(kind, next);
        if ((nextKind & allowed) !== 0) visit(int(to, next), nextKind === RW, state, next);
      }
      if ((allowed & REALTIME) === 0) continue;
      // Members stand in the order of their calls: all from here on come later in real time.
      const first = firstAfter[member] ?? size;
      for (let later = first; later < covered; later++) {
        this.visits += 1;
        visit(later, false, state, -1);
      }
      covered = Math.min(covered, first);
    }
    return undefined;
  }

  #steps(origin: number, last: number): Step[] {
    const { kind, reason, txns } = this.#component;
    const steps: Step[] = [];
    let state = last;
    while (state !== -1) {
      const edge = this.#edge[state] ?? -1;
      const parent = this.#parent[state] ?? -1;
      const from = parent === -1 ? origin : parent >> 1;
      steps.push({
        from: int(txns, from),
        to: int(txns, state >> 1),
        kind: edge < 0 ? REALTIME : byte(kind, edge),
        reason: edge < 0 ? -1 : (reason[edge] ?? -1),
      });
      state = parent;
    }
    return steps.reverse();
  }
}

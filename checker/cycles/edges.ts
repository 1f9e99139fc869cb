// Dependencies between transactions, as three growing columns and the element that is their reason.

import { IntList } from "./growing.js";

/** Kinds of edges, as bits. */
export const WW = 1;
export const WR = 2;
export const RW = 4;
export const PROCESS = 8;
export const REALTIME = 16;

/** Edges of one kind from many to many are drawn in full up to this many on one of the sides. */
const LINKS_MAX = 64;

export type Edges = {
  from: Int32Array;
  to: Int32Array;
  kind: Int32Array;
  /** The element that `to` wrote (WW, RW), or read (WR). */
  reason: Int32Array;
};

export class EdgeList {
  readonly #from: IntList;
  readonly #to: IntList;
  readonly #kind: IntList;
  readonly #reason: IntList;
  /** Pairs that `linkAll` left out. */
  omitted = 0;

  /** Room for so many edges from the start spares copies; more may come. */
  constructor(expected = 1_024) {
    this.#from = new IntList(expected);
    this.#to = new IntList(expected);
    this.#kind = new IntList(expected);
    this.#reason = new IntList(expected);
  }

  /** A transaction never precedes itself: such an edge is left out. */
  add(from: number, to: number, kind: number, reason: number): void {
    if (from === to) return;
    this.#from.push(from);
    this.#to.push(to);
    this.#kind.push(kind);
    this.#reason.push(reason);
  }

  /**
   * From each source to each target, in full where one side has at most LINKS_MAX; otherwise from
   * each source to the targets that were called first, and to each target from the sources that
   * were called last: the pairs most likely to contradict real time. Both in order of their calls.
   */
  linkAll(
    sources: readonly number[],
    targets: readonly { txn: number; element: number }[],
    kind: number,
  ): void {
    const few = Math.min(sources.length, targets.length) <= LINKS_MAX;
    const first = few ? targets : targets.slice(0, LINKS_MAX);
    for (const { txn, element } of first)
      for (const source of sources) this.add(source, txn, kind, element);
    if (few) return;
    const late = sources.slice(-LINKS_MAX);
    const rest = targets.slice(LINKS_MAX);
    for (const { txn, element } of rest)
      for (const source of late) this.add(source, txn, kind, element);
    this.omitted += (sources.length - late.length) * rest.length;
  }

  build(): Edges {
    return {
      from: this.#from.view(),
      to: this.#to.view(),
      kind: this.#kind.view(),
      reason: this.#reason.view(),
    };
  }
}

// Dependencies between transactions, as three growing columns and the element that is their reason.

import { IntList } from "./growing.js";

/** Kinds of edges, as bits. */
export const WW = 1;
export const WR = 2;
export const RW = 4;
export const PROCESS = 8;
export const REALTIME = 16;

/** Edges from many to many are drawn in full while so many in all suffice, a few bytes each. */
const LINKS_MAX = 8_000_000;
/** Beyond that, each is linked to so many on the other side. */
const PARTNERS_MAX = 64;

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
  #linked = 0;

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
   * From each source to each target; where that is too many, from each source to the targets that
   * were called first, and to each target from the sources that were called last: the pairs most
   * likely to contradict real time. Both in the order of their calls.
   */
  linkAll(
    sources: readonly number[],
    targets: readonly { txn: number; element: number }[],
    kind: number,
  ): void {
    const pairs = sources.length * targets.length;
    const few = Math.min(sources.length, targets.length) <= PARTNERS_MAX;
    const isFull = few || this.#linked + pairs <= LINKS_MAX;
    if (isFull) this.#linked += pairs;
    const first = isFull ? targets : targets.slice(0, PARTNERS_MAX);
    for (const { txn, element } of first) {
      for (const source of sources) this.add(source, txn, kind, element);
    }
    if (isFull) return;
    const late = sources.slice(-PARTNERS_MAX);
    const rest = targets.slice(PARTNERS_MAX);
    for (const { txn, element } of rest) {
      for (const source of late) this.add(source, txn, kind, element);
    }
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

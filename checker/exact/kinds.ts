// Calls that are alike, found again by what they say.

import { canonical } from "../models/canonical.js";
import type { Call } from "../models/model.js";

/** A place in the tree: children by the next part of a value, and what calls that end here are. */
class Node<T> {
  children: Map<unknown, Node<T>> | undefined = undefined;
  found: T | undefined = undefined;

  child(key: unknown): Node<T> {
    let child: Node<T> | undefined;
    if (this.children === undefined) this.children = new Map();
    else child = this.children.get(key);
    if (child === undefined) {
      child = new Node();
      this.children.set(key, child);
    }
    return child;
  }
}

/** Stand in the tree for what is no value: that an array or an object begins. */
const PAIR = Symbol("pair of small numbers");
const ARRAY = Symbol("array");
const OBJECT = Symbol("object");

/** Guards: calls that are equal, and only they, find the same. */
export class Kinds<T> {
  readonly #make: (call: Call) => T;
  readonly #ok = new Node<T>();
  readonly #fail = new Node<T>();
  readonly #info = new Node<T>();

  /** `make` is asked once for each kind of call. */
  constructor(make: (call: Call) => T) {
    this.#make = make;
  }

  /** What was made of the first call like this one. Linear in the size of the value. */
  of(f: string, outcome: Call["outcome"], value: unknown): T {
    const root = outcome === "ok" ? this.#ok : outcome === "fail" ? this.#fail : this.#info;
    const leaf = descend(root.child(f), value);
    leaf.found ??= this.#make({ f, value, outcome });
    return leaf.found;
  }
}

/** Pairs of numbers below this, as most cas are, are found in one step. */
const SMALL = 1 << 15;

function descend<T>(node: Node<T>, value: unknown): Node<T> {
  if (typeof value !== "object" || value === null) return node.child(value);
  if (!Array.isArray(value)) return node.child(OBJECT).child(canonical(value));
  if (value.length === 2 && isSmall(value[0]) && isSmall(value[1])) {
    return node.child(PAIR).child(value[0] * SMALL + value[1]);
  }
  let leaf = node.child(ARRAY).child(value.length);
  for (const element of value) leaf = descend(leaf, element);
  return leaf;
}

function isSmall(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < SMALL && value === (value | 0);
}

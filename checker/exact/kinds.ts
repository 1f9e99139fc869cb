// Calls that are alike, told apart from others by small numbers.

import { canonical } from "../models/canonical.js";
import type { Call } from "../models/model.js";

class Node {
  #children: Map<unknown, Node> | undefined;
  id = -1;

  child(key: unknown): Node {
    const known = this.#children?.get(key);
    if (known !== undefined) return known;
    const child = new Node();
    this.#children ??= new Map();
    this.#children.set(key, child);
    return child;
  }
}

/** Stand in the tree for what is no value: that an array or an object begins. */
const ARRAY = Symbol("array");
const OBJECT = Symbol("object");

/** Guards: equal calls, and only they, have the same number. */
export class Kinds {
  readonly calls: Call[] = [];
  readonly #roots = new Map<string, { ok: Node; fail: Node; info: Node }>();

  /** The number of calls like this one, from 0. Linear in the size of the value. */
  idOf(call: Call): number {
    let roots = this.#roots.get(call.f);
    if (roots === undefined) {
      roots = { ok: new Node(), fail: new Node(), info: new Node() };
      this.#roots.set(call.f, roots);
    }
    const leaf = descend(roots[call.outcome], call.value);
    if (leaf.id < 0) {
      leaf.id = this.calls.length;
      this.calls.push(call);
    }
    return leaf.id;
  }
}

function descend(node: Node, value: unknown): Node {
  if (typeof value !== "object" || value === null) return node.child(value);
  if (!Array.isArray(value)) return node.child(OBJECT).child(canonical(value));
  let leaf = node.child(ARRAY).child(value.length);
  for (const element of value) leaf = descend(leaf, element);
  return leaf;
}

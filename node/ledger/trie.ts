// A Merkle trie over items named by a hash: accounts, sessions. Its shape depends on the set of its
// items only, never on the order they came in: a place is a leaf while it has few items, and a branch
// of sixteen by the next hexadecimal digit of the hash from then on. Items are never removed.
//
// Changes mark the way down; `digest` encodes what is marked and nothing else.

import { strict as assert } from "node:assert";
import { hash } from "node:crypto";
import type { Digest } from "../core/messages.js";
import type { NodePool, PooledNode } from "./node-pool.js";
import { encodeBranch } from "./nodes.js";

export type TrieShape<Item> = {
  /** Unique among the items; never changes. */
  keyOf: (item: Item) => string;
  leafItemsMax: number;
  encodeLeaf: (items: readonly Item[]) => Uint8Array;
};

type Named<Item> = { path: string; item: Item };
type Leaf<Item> = { kind: "leaf"; items: Named<Item>[]; node: PooledNode | undefined };
type Branch<Item> = {
  kind: "branch";
  itemCount: number;
  children: (Place<Item> | undefined)[];
  node: PooledNode | undefined;
};
/** `changed` since its node was encoded; `node` stays until then, to be retired. */
type Place<Item> = (Leaf<Item> | Branch<Item>) & { changed: boolean };

export class Trie<Item> {
  readonly #pool: NodePool;
  readonly #shape: TrieShape<Item>;
  /** Hashes of keys, once computed: a hot item is touched at every checkpoint. */
  readonly #paths = new Map<string, string>();
  #root: Place<Item> = leafOf([]);

  constructor(pool: NodePool, shape: TrieShape<Item>) {
    this.#pool = pool;
    this.#shape = shape;
  }

  get itemCount(): number {
    return this.#paths.size;
  }

  /** Adds the item, or notes that it changed. */
  touch(item: Item): void {
    const key = this.#shape.keyOf(item);
    const known = this.#paths.get(key);
    const path = known ?? hash("sha256", key, "hex");
    if (known === undefined) this.#paths.set(key, path);
    this.#root = this.#touch(this.#root, { path, item }, 0);
  }

  digest(): Digest {
    return this.#encode(this.#root).digest;
  }

  #touch(place: Place<Item>, named: Named<Item>, depth: number): Place<Item> {
    place.changed = true;
    if (place.kind === "branch") {
      const digit = digitAt(named.path, depth);
      const before = place.children[digit];
      const itemsBefore = itemCountOf(before);
      const after = this.#touch(before ?? leafOf([]), named, depth + 1);
      place.children[digit] = after;
      place.itemCount += itemCountOf(after) - itemsBefore;
      return place;
    }
    const at = place.items.findIndex(({ path }) => path >= named.path);
    if (at >= 0 && place.items[at]?.path === named.path) {
      place.items[at] = named;
      return place;
    }
    place.items.splice(at < 0 ? place.items.length : at, 0, named);
    return place.items.length <= this.#shape.leafItemsMax ? place : this.#split(place, depth);
  }

  #split(leaf: Place<Item> & { kind: "leaf" }, depth: number): Place<Item> {
    assert(depth < 64, "two keys with one hash");
    this.#pool.retire(leaf.node);
    let branch: Place<Item> = {
      kind: "branch",
      itemCount: 0,
      children: Array.from({ length: 16 }, () => undefined),
      node: undefined,
      changed: true,
    };
    for (const named of leaf.items) branch = this.#touch(branch, named, depth);
    return branch;
  }

  #encode(place: Place<Item>): PooledNode {
    if (!place.changed && place.node !== undefined) return place.node;
    const bytes =
      place.kind === "leaf"
        ? this.#shape.encodeLeaf(place.items.map(({ item }) => item))
        : encodeBranch(
            place.itemCount,
            place.children.map((child) => child && this.#encode(child).digest),
          );
    // Added before the old one goes: an unchanged node is kept, not made again.
    const node = this.#pool.add(bytes);
    this.#pool.retire(place.node);
    place.node = node;
    place.changed = false;
    return node;
  }
}

function leafOf<Item>(items: Named<Item>[]): Place<Item> {
  return { kind: "leaf", items, node: undefined, changed: true };
}

function itemCountOf<Item>(place: Place<Item> | undefined): number {
  if (place === undefined) return 0;
  return place.kind === "leaf" ? place.items.length : place.itemCount;
}

function digitAt(path: string, depth: number): number {
  return Number.parseInt(path.charAt(depth), 16);
}

// The nodes of the state tree, by digest, for as long as any kept snapshot needs them.
//
// The tree changes in place; snapshots share what did not change. Time is cut into epochs, one a
// snapshot. A node that the tree gives up in the epoch that made it was never in a snapshot and goes
// at once; any other is retired, and goes when the last snapshot from before its epoch is released.

import { strict as assert } from "node:assert";
import { hash } from "node:crypto";
import type { Digest } from "../core/messages.js";

/** A node in use by the tree, and the epoch in which it was made. */
export type PooledNode = { readonly digest: Digest; readonly epoch: number };

export class NodePool {
  /** Equal nodes are one, counted. */
  readonly #nodes = new Map<Digest, { bytes: Uint8Array; count: number }>();
  readonly #retired: { epoch: number; digest: Digest }[] = [];
  #epoch = 0;

  /** Keeps `bytes` themselves: the caller does not write to them again. */
  add(bytes: Uint8Array): PooledNode {
    const digest = hash("sha256", bytes, "hex");
    const held = this.#nodes.get(digest);
    if (held === undefined) this.#nodes.set(digest, { bytes, count: 1 });
    else held.count += 1;
    return { digest, epoch: this.#epoch };
  }

  /** The tree no longer uses this node; snapshots may. */
  retire(node: PooledNode | undefined): void {
    if (node === undefined) return;
    if (node.epoch === this.#epoch) this.#drop(node.digest);
    else this.#retired.push({ epoch: this.#epoch, digest: node.digest });
  }

  get(digest: Digest): Uint8Array | undefined {
    return this.#nodes.get(digest)?.bytes;
  }

  /** Number of different nodes held. */
  get size(): number {
    return this.#nodes.size;
  }

  /** Ends an epoch with a snapshot of the tree as it is; returns the epoch that ended. */
  seal(): number {
    this.#epoch += 1;
    return this.#epoch - 1;
  }

  /** Forgets what only snapshots of epochs before `oldest` need; undefined: none is kept. */
  release(oldest: number | undefined): void {
    const limit = oldest ?? this.#epoch;
    // A node retired in epoch e was last in the snapshot that ended e - 1.
    let count = 0;
    for (const { epoch, digest } of this.#retired) {
      if (epoch > limit) break;
      this.#drop(digest);
      count += 1;
    }
    this.#retired.splice(0, count);
  }

  #drop(digest: Digest): void {
    const held = this.#nodes.get(digest);
    assert(held !== undefined, `node ${digest} dropped twice`);
    held.count -= 1;
    if (held.count === 0) this.#nodes.delete(digest);
  }
}

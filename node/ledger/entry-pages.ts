// The Merkle tree over the entries: pages of PAGE_ENTRIES by index, and above them index nodes. What
// is full never changes again, so full pages are not kept here: their digests are, and the entries
// themselves are with the store. Only the open page and the right edge are encoded anew.

import { hash } from "node:crypto";
import type { Digest } from "../core/messages.js";
import { ByteWriter } from "./bytes.js";
import type { NodePool, PooledNode } from "./node-pool.js";
import {
  encodeIndex,
  INDEX_FAN_OUT,
  NODE_BYTES_MAX,
  PAGE_ENTRIES,
  writePageHeader,
} from "./nodes.js";

export class EntryPages {
  readonly #pool: NodePool;
  /** Digests of full nodes: #levels[0] of pages, #levels[k] of index nodes of level k. */
  readonly #levels: Digest[][] = [[]];
  readonly #pageOf = new Map<Digest, number>();
  readonly #openPage = new ByteWriter(NODE_BYTES_MAX);
  #entryCount = 0;
  /** The nodes on the right edge that are not full, as of the last `digest`. */
  #edge: PooledNode[] = [];
  #root: { entryCount: number; digest: Digest } | undefined;

  /** `fullPages` are taken at their word: the digests of the pages a store already has. */
  constructor(pool: NodePool, fullPages: readonly Digest[]) {
    this.#pool = pool;
    for (const digest of fullPages) this.#addPage(digest);
    this.#entryCount = fullPages.length * PAGE_ENTRIES;
    writePageHeader(this.#openPage, this.#entryCount);
  }

  get entryCount(): number {
    return this.#entryCount;
  }

  /** Index of the full page with this digest. */
  pageOf(digest: Digest): number | undefined {
    return this.#pageOf.get(digest);
  }

  /** Takes the next entry's bytes; answers with the page that this entry made full, if it did. */
  append(entry: Uint8Array): { index: number; digest: Digest } | undefined {
    this.#openPage.raw(entry);
    this.#entryCount += 1;
    if (this.#entryCount % PAGE_ENTRIES !== 0) return undefined;
    const digest = hash("sha256", this.#openPage.view(), "hex");
    const index = this.#addPage(digest);
    this.#openPage.clear();
    writePageHeader(this.#openPage, this.#entryCount);
    return { index, digest };
  }

  digest(): Digest {
    if (this.#root?.entryCount === this.#entryCount) return this.#root.digest;
    const edge: PooledNode[] = [];
    const keep = (bytes: Uint8Array): Digest => {
      const node = this.#pool.add(bytes);
      edge.push(node);
      return node.digest;
    };
    const openPageUsed = this.#entryCount % PAGE_ENTRIES !== 0;
    const digest = this.#indexRoot(openPageUsed ? keep(this.#openPage.bytes()) : undefined, keep);
    for (const node of this.#edge) this.#pool.retire(node);
    this.#edge = edge;
    this.#root = { entryCount: this.#entryCount, digest };
    return digest;
  }

  /** Climbs the right edge: `last` is the node of the level below that is not full, if any. */
  #indexRoot(last: Digest | undefined, keep: (bytes: Uint8Array) => Digest): Digest {
    for (let level = 1; ; level += 1) {
      const below = this.#levels[level - 1] ?? [];
      const full = this.#levels[level] ?? [];
      const children = below.slice(full.length * INDEX_FAN_OUT);
      if (last !== undefined) children.push(last);
      last = children.length === 0 ? undefined : keep(encodeIndex(level, children));
      if (full.length === 0) return last ?? keep(encodeIndex(level, []));
      const [only] = full;
      if (only !== undefined && full.length === 1 && last === undefined) return only;
    }
  }

  #addPage(digest: Digest): number {
    const [pages = []] = this.#levels;
    const index = pages.push(digest) - 1;
    this.#pageOf.set(digest, index);
    for (let level = 1; ; level += 1) {
      const below = this.#levels[level - 1] ?? [];
      if (below.length % INDEX_FAN_OUT !== 0) return index;
      const children = below.slice(below.length - INDEX_FAN_OUT);
      const node = this.#pool.add(encodeIndex(level, children));
      const full = this.#levels[level] ?? [];
      full.push(node.digest);
      this.#levels[level] = full;
    }
  }
}

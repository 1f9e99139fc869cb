import { suite } from "uvu";
import * as assert from "uvu/assert";
import { EntryPages } from "./entry-pages.js";
import { NodePool } from "./node-pool.js";
import { childrenOf, decodeNode, INDEX_FAN_OUT, PAGE_ENTRIES } from "./nodes.js";

/** Entries of one byte: decoding them is not what is tested. */
function bytesOf(index: number): Uint8Array {
  return Uint8Array.of(index % 251);
}

const pages = suite("entry pages");

pages("the digest depends on the entries only, not on when it was asked for", () => {
  const often = new EntryPages(new NodePool(), []);
  const once = new EntryPages(new NodePool(), []);
  const seen = new Set<string>();
  for (let index = 0; index < 5 * PAGE_ENTRIES + 3; index += 1) {
    often.append(bytesOf(index));
    once.append(bytesOf(index));
    seen.add(often.digest());
  }
  assert.is(seen.size, often.entryCount);
  assert.is(once.digest(), often.digest());
});

pages("reopened with the digests of its full pages it goes on the same, at every height", () => {
  const sizes = [0, 1, 2, INDEX_FAN_OUT - 1, INDEX_FAN_OUT, INDEX_FAN_OUT + 1, 2 * INDEX_FAN_OUT];
  const steady = new EntryPages(new NodePool(), []);
  const digests: string[] = [];
  for (let index = 0; digests.length <= 2 * INDEX_FAN_OUT; index += 1) {
    if (sizes.includes(digests.length) && index % PAGE_ENTRIES === 0) {
      const reopened = new EntryPages(new NodePool(), digests);
      assert.is(reopened.digest(), steady.digest(), `${digests.length} pages`);
      assert.is(reopened.entryCount, index);
    }
    const page = steady.append(bytesOf(index));
    if (page !== undefined) digests.push(page.digest);
  }
});

pages("every full page is found from the root, in order, whatever the height", () => {
  const pool = new NodePool();
  const tree = new EntryPages(pool, []);
  const expected: string[] = [];
  while (expected.length < INDEX_FAN_OUT + 2) {
    const page = tree.append(bytesOf(tree.entryCount));
    if (page !== undefined) expected.push(page.digest);
  }
  const found: string[] = [];
  const visit = (digest: string): void => {
    if (tree.pageOf(digest) !== undefined) return void found.push(digest);
    const bytes = pool.get(digest);
    const node = bytes && decodeNode(bytes);
    assert.ok(node?.kind === "index");
    for (const child of childrenOf(node)) visit(child);
  };
  visit(tree.digest());
  assert.equal(found, expected);
});

pages.run();

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { NodePool } from "./node-pool.js";
import { encodeAccounts } from "./nodes.js";
import type { Account } from "./store.js";
import { Trie } from "./trie.js";

function trieOf(accounts: readonly Account[], leafItemsMax: number, encodeEvery = Infinity) {
  const pool = new NodePool();
  const trie = new Trie<Account>(pool, {
    keyOf: ({ id }) => id,
    leafItemsMax,
    encodeLeaf: encodeAccounts,
  });
  for (const [index, account] of accounts.entries()) {
    trie.touch(account);
    if (index % encodeEvery === 0) trie.digest();
  }
  return { digest: trie.digest(), nodes: pool.size, count: trie.itemCount };
}

const accounts = fc
  .uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 120 })
  .chain((ids) =>
    fc.tuple(
      fc.constant(ids),
      fc.shuffledSubarray(ids, { minLength: ids.length }),
      fc.array(fc.constantFrom("", ...ids), { maxLength: 40 }),
      fc.integer({ min: 1, max: 20 }),
    ),
  );

const trie = suite("trie");

trie("its digest and its nodes are those of the set, whatever the order of insertion", () => {
  fc.assert(
    fc.property(accounts, fc.integer({ min: 1, max: 5 }), ([ids, shuffled, again, every], max) => {
      const accountOf = (id: string): Account => {
        return { id, name: "", address: "", balance: id.length, entryCount: 0, lastEntry: -1 };
      };
      const plain = trieOf(ids.map(accountOf), max);
      const repeats = again.filter((id) => id !== "");
      const other = trieOf([...repeats, ...shuffled, ...repeats].map(accountOf), max, every);
      assert.equal(other, plain);
      assert.is(plain.count, ids.length);
    }),
  );
});

trie("a change of one item changes the digest, and taking it back restores it", () => {
  const pool = new NodePool();
  const items = Array.from({ length: 100 }, (_, index): Account => {
    return { id: `a${index}`, name: "", address: "", balance: 0, entryCount: 0, lastEntry: -1 };
  });
  const shape = { keyOf: ({ id }: Account) => id, leafItemsMax: 4, encodeLeaf: encodeAccounts };
  const tree = new Trie<Account>(pool, shape);
  for (const item of items) tree.touch(item);
  const before = tree.digest();
  for (const item of items) {
    item.balance = 1;
    tree.touch(item);
    assert.is.not(tree.digest(), before, item.id);
    item.balance = 0;
    tree.touch(item);
    assert.is(tree.digest(), before);
  }
});

trie.run();

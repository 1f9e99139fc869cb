// Snapshots and state transfer, on every store, in every direction.

import { hash } from "node:crypto";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Digest } from "../core/messages.js";
import type { LedgerMachine } from "./machine.js";
import { childrenOf, decodeNode, encodeRoot, NODE_BYTES_MAX, PAGE_ENTRIES } from "./nodes.js";
import {
  anyBatches,
  applyAll,
  busyBatches,
  DISKS,
  fetchAll,
  memoryDisk,
  request,
  restoreFrom,
} from "./testing/fixture.js";

/** Every node of a snapshot; fails where one cannot be had, is too large or has another name. */
function nodesOf(machine: LedgerMachine, root: Digest): Map<Digest, Uint8Array> {
  const nodes = new Map<Digest, Uint8Array>();
  const waiting = [root];
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    const bytes = machine.node(digest);
    assert.ok(bytes !== undefined, `node ${digest} is gone`);
    assert.is(hash("sha256", bytes, "hex"), digest);
    assert.ok(bytes.length <= NODE_BYTES_MAX);
    const node = decodeNode(bytes);
    assert.ok(node !== undefined);
    nodes.set(digest, bytes);
    waiting.push(...childrenOf(node));
  }
  return nodes;
}

function machineAfter(batchCount: number): LedgerMachine {
  const machine = memoryDisk().open();
  applyAll(machine, busyBatches(batchCount));
  return machine;
}

for (const make of DISKS) {
  const probe = make();
  const transfers = suite(`snapshots and restore on ${probe.name}`);
  probe.remove();

  transfers("a snapshot stays whole while the ledger goes on, until it is released", () => {
    const disk = make();
    const machine = disk.open();
    const batches = busyBatches(12);
    const kept: { seq: number; digest: Digest; nodes: Map<Digest, Uint8Array> }[] = [];
    for (const batch of batches) {
      machine.apply(machine.seq + 1, batch);
      machine.currentDigest();
      if (machine.seq % 3 === 0) {
        const digest = machine.snapshot();
        kept.push({ seq: machine.seq, digest, nodes: nodesOf(machine, digest) });
      }
      if (machine.seq % 2 === 0) machine.commit();
    }
    for (const { digest, nodes } of kept) assert.equal(nodesOf(machine, digest), nodes);
    const [first, second] = kept;
    assert.ok(first !== undefined && second !== undefined);
    machine.release(second.seq);
    assert.is(machine.node(first.digest), undefined);
    for (const { digest, nodes } of kept.slice(1)) assert.equal(nodesOf(machine, digest), nodes);
    disk.remove();
  });

  transfers("released snapshots leave nothing behind", () => {
    const disk = make();
    const machine = disk.open();
    for (const batch of busyBatches(30)) {
      machine.apply(machine.seq + 1, batch);
      machine.snapshot();
      machine.release(machine.seq - 1);
    }
    machine.release(machine.seq);
    machine.commit();
    const fresh = disk.open();
    fresh.snapshot();
    assert.is(machine.nodeCount, fresh.nodeCount);
    disk.remove();
  });

  transfers("a process that starts anew serves the snapshots that the one before it kept", () => {
    // What happens between two batches: nothing, a snapshot, one that releases those before the last
    // one, or a restart.
    const between = fc.constantFrom("nothing", "snapshot", "release", "restart");
    fc.assert(
      fc.property(fc.array(between, { maxLength: 24 }), (events) => {
        const disk = make();
        const batches = busyBatches(events.length);
        let machine = disk.open();
        let kept: { seq: number; digest: string; nodes: ReadonlyMap<string, Uint8Array> }[] = [];
        events.forEach((event, index) => {
          machine.apply(machine.seq + 1, batches[index] ?? []);
          if (event === "restart") {
            machine.commit();
            machine = disk.open();
          }
          if (event === "snapshot" || event === "release") {
            const { seq } = machine;
            const digest = machine.snapshot();
            kept.push({ seq, digest, nodes: nodesOf(machine, digest) });
          }
          if (event === "release") {
            const from = kept.at(-2)?.seq ?? 0;
            machine.release(from);
            kept = kept.filter(({ seq }) => seq >= from);
          }
        });
        machine.commit();
        const digest = machine.currentDigest();
        const again = disk.open();
        assert.is(again.currentDigest(), digest);
        for (const { digest: root, nodes } of kept) assert.equal(nodesOf(again, root), nodes);
        again.release(again.seq + 1);
        for (const { digest: root } of kept) {
          if (root !== digest) assert.is(again.node(root), undefined);
        }
        disk.remove();
      }),
      { numRuns: 12 },
    );
  });

  transfers("an empty replica restores a snapshot that the source has already left behind", () => {
    const source = machineAfter(20);
    const digest = source.snapshot();
    const { seq } = source;
    const rows = source.accounts();
    applyAll(source, [[request(0, 1_000, { kind: "deposit", account: "account-0", amount: 1 })]]);
    const disk = make();
    const target = disk.open();
    target.beginRestore(seq, digest);
    fetchAll(target, source);
    assert.is(target.finishRestore(), "installed");
    target.commit();
    assert.is(target.seq, seq);
    assert.is(target.currentDigest(), digest);
    assert.equal(target.accounts(), rows);
    assert.equal(nodesOf(target, digest), nodesOf(source, digest));
    disk.remove();
  });

  transfers("any state restores from any other: prefix, empty, ahead or diverged", () => {
    fc.assert(
      fc.property(anyBatches, anyBatches, fc.nat(12), anyBatches, (shared, ours, keep, theirs) => {
        const source = memoryDisk().open();
        applyAll(source, [...shared, ...theirs]);
        const digest = source.snapshot();
        const disk = make();
        const target = disk.open();
        applyAll(target, [...shared, ...ours].slice(0, keep));
        restoreFrom(target, source, digest);
        target.commit();
        assert.is(target.currentDigest(), digest);
        const reopened = disk.open();
        assert.is(reopened.currentDigest(), digest);
        // It is not only called the same: it goes on the same.
        for (const machine of [source, reopened]) applyAll(machine, ours);
        assert.is(reopened.currentDigest(), source.currentDigest());
        disk.remove();
      }),
      { numRuns: make === memoryDisk ? 150 : 12 },
    );
  });

  transfers("long ledgers that diverged restore, and share the entries before they did", () => {
    const batches = busyBatches(30);
    const source = memoryDisk().open();
    applyAll(source, batches);
    const digest = source.snapshot();
    const disk = make();
    const target = disk.open();
    applyAll(target, batches.slice(0, 20));
    const lone = request(900, 1, { kind: "deposit", account: "account-1", amount: 13 });
    applyAll(target, [[lone], ...batches.slice(21, 25)]);
    const fetched = restoreFrom(target, source, digest);
    target.commit();
    const all = nodesOf(source, digest).size;
    assert.ok(fetched < all, `fetched ${fetched} of ${all} nodes`);
    const reopened = disk.open();
    assert.is(reopened.snapshot(), digest);
    assert.equal(nodesOf(reopened, digest), nodesOf(source, digest));
    disk.remove();
  });

  transfers("a shared page may end inside a block here and between two blocks there", () => {
    const posts = Array.from({ length: 2 * PAGE_ENTRIES }, (_, index) =>
      index === 0
        ? request(1, 1, { kind: "open", account: "a", name: "", address: "" })
        : request(1, index + 1, { kind: "deposit", account: "a", amount: 1 }),
    );
    const ending = [posts.slice(0, PAGE_ENTRIES), posts.slice(PAGE_ENTRIES)];
    const goingOn = [posts.slice(0, PAGE_ENTRIES + 1), posts.slice(PAGE_ENTRIES + 1)];
    for (const [there, here] of [
      [ending, goingOn],
      [goingOn, ending],
      [ending.slice(0, 1), goingOn],
    ] as const) {
      const source = memoryDisk().open();
      applyAll(source, there);
      const digest = source.snapshot();
      const disk = make();
      const target = disk.open();
      applyAll(target, here);
      restoreFrom(target, source, digest);
      target.commit();
      const reopened = disk.open();
      for (const machine of [source, reopened]) applyAll(machine, busyBatches(1));
      assert.is(reopened.currentDigest(), source.currentDigest());
      disk.remove();
    }
  });

  transfers("a laggard fetches the pages it lacks and none that it has", () => {
    const batches = busyBatches(60);
    const source = memoryDisk().open();
    applyAll(source, batches);
    const digest = source.snapshot();
    const disk = make();
    const target = disk.open();
    applyAll(target, batches.slice(0, 50));
    const held = new Set(nodesOf(target, target.snapshot()).keys());
    target.beginRestore(source.seq, digest);
    for (;;) {
      const [wanted] = target.missingNodes(1);
      if (wanted === undefined) break;
      assert.not(held.has(wanted));
      target.putNode(source.node(wanted) ?? new Uint8Array());
    }
    assert.is(target.finishRestore(), "installed");
    disk.remove();
  });

  transfers("a restore goes on after a kill with the nodes that were committed", () => {
    const source = machineAfter(30);
    const digest = source.snapshot();
    const all = nodesOf(source, digest).size;
    const disk = make();
    const first = disk.open();
    first.beginRestore(source.seq, digest);
    fetchAll(first, source, 10);
    first.commit();
    fetchAll(first, source, 5); // lost with the crash
    const second = disk.open();
    assert.is(second.seq, 0);
    assert.is(restoreFrom(second, source, digest), all - 10);
    second.commit();
    assert.is(disk.open().currentDigest(), digest);
    disk.remove();
  });

  transfers("after a restore that came to nothing, the next one trusts nothing of our own", () => {
    const batches = busyBatches(30);
    const source = memoryDisk().open();
    applyAll(source, batches);
    const digest = source.snapshot();
    const disk = make();
    const target = disk.open();
    applyAll(target, batches.slice(0, 20));
    const bytes = new Uint8Array([77]);
    target.beginRestore(99, hash("sha256", bytes, "hex"));
    assert.is(target.putNode(bytes), "stored");
    assert.is(target.finishRestore(), "invalid");
    assert.is(restoreFrom(target, source, digest), nodesOf(source, digest).size);
    disk.remove();
  });

  transfers("an install that was not committed never happened", () => {
    const source = machineAfter(5);
    const disk = make();
    const target = disk.open();
    applyAll(target, busyBatches(2));
    const before = target.currentDigest();
    restoreFrom(target, source, source.snapshot());
    assert.is(disk.open().currentDigest(), before);
    disk.remove();
  });

  transfers("a restore that is retargeted keeps the nodes that both states have", () => {
    const batches = busyBatches(32);
    const source = memoryDisk().open();
    applyAll(source, batches.slice(0, 30));
    const older = source.snapshot();
    const olderNodes = nodesOf(source, older);
    const olderSeq = source.seq;
    applyAll(source, batches.slice(30));
    const newer = source.snapshot();
    const both = [...nodesOf(source, newer).keys()].filter((digest) => olderNodes.has(digest));
    const disk = make();
    const target = disk.open();
    target.beginRestore(olderSeq, older);
    fetchAll(target, source);
    const fetched = restoreFrom(target, source, newer);
    assert.is(fetched, nodesOf(source, newer).size - both.length);
    assert.ok(both.length > 0);
    disk.remove();
  });

  transfers("a node that was not asked for is unwanted, and so is one that came already", () => {
    const source = machineAfter(3);
    const digest = source.snapshot();
    const root = source.node(digest);
    assert.ok(root !== undefined);
    const disk = make();
    const target = disk.open();
    assert.is(target.putNode(root), "unwanted");
    target.beginRestore(source.seq, digest);
    assert.equal(target.missingNodes(9), [digest]);
    assert.is(target.putNode(root.with(9, 255)), "unwanted");
    assert.is(target.putNode(root), "stored");
    assert.is(target.putNode(root), "unwanted");
    disk.remove();
  });

  transfers("nodes that match their digests and are no state are refused, changing nothing", () => {
    const source = machineAfter(3);
    const nodes = nodesOf(source, source.snapshot());
    const rootBytes = source.node(source.snapshot());
    const root = rootBytes && decodeNode(rootBytes);
    assert.ok(root?.kind === "root");
    const lies: [string, Uint8Array, number?][] = [
      ["another chain head", encodeRoot({ ...root.root, chain: "f".repeat(64) })],
      ["another count", encodeRoot({ ...root.root, entryCount: root.root.entryCount + 1 })],
      ["accounts for sessions", encodeRoot({ ...root.root, sessions: root.root.accounts })],
      ["no entries", encodeRoot({ ...root.root, entries: root.root.accounts })],
      ["another seq than the certificate's", encodeRoot({ ...root.root, seq: 1 })],
      ["entries from the future", encodeRoot({ ...root.root, seq: 2 }), 2],
      ["bytes that are no node", new Uint8Array([77])],
    ];
    for (const [lie, bytes, seq = source.seq] of lies) {
      const disk = make();
      const target = disk.open();
      applyAll(target, busyBatches(1));
      const before = target.currentDigest();
      const digest = hash("sha256", bytes, "hex");
      target.beginRestore(seq, digest);
      assert.is(target.putNode(bytes), "stored", lie);
      while (target.missingNodes(1).length > 0) {
        target.putNode(nodes.get(target.missingNodes(1)[0] ?? "") ?? new Uint8Array());
      }
      assert.is(target.finishRestore(), "invalid", lie);
      target.commit();
      assert.is(target.currentDigest(), before, lie);
      assert.is(disk.open().currentDigest(), before, lie);
      disk.remove();
    }
  });

  transfers.run();
}

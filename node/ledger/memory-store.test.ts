import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LedgerMachine } from "./machine.js";
import { MemoryStore } from "./memory-store.js";
import { anyBatches, applyAll, memoryDisk, restoreFrom } from "./testing/fixture.js";

const store = suite("memory store");

store("a power cut takes away what was not synced, whole seqs of it", () => {
  fc.assert(
    fc.property(anyBatches, fc.nat(12), anyBatches, (batches, syncAt, other) => {
      const memory = new MemoryStore();
      const machine = new LedgerMachine(memory);
      applyAll(machine, batches.slice(0, syncAt));
      machine.sync();
      const { seq } = machine;
      const digest = machine.currentDigest();
      applyAll(machine, batches.slice(syncAt));
      // An install is undone like any other write, and so is what came after it.
      const source = memoryDisk().open();
      applyAll(source, [...batches, ...other]);
      restoreFrom(machine, source, source.snapshot());
      machine.commit();
      applyAll(machine, other);

      memory.lose("unsynced");
      const reopened = new LedgerMachine(memory);
      assert.is(reopened.seq, seq);
      assert.is(reopened.currentDigest(), digest);
    }),
  );
});

store("a sync inside a transaction is our mistake", () => {
  const machine = memoryDisk().open();
  applyAll(machine, [[]]);
  machine.sync();
  machine.beginRestore(5, "0".repeat(64));
  machine.sync();
  const source = memoryDisk().open();
  applyAll(source, [[]]);
  const digest = source.snapshot();
  machine.beginRestore(source.seq, digest);
  machine.putNode(source.node(digest) ?? new Uint8Array());
  assert.throws(() => machine.sync(), /sync inside a transaction/);
  machine.commit();
  machine.sync();
});

store.run();

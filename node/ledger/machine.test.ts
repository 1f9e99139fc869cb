// One conformance suite for the state machine on every store.

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Request } from "../core/messages.js";
import type { LedgerMachine } from "./machine.js";
import { decodeResult } from "./result.js";
import {
  anyBatches,
  applyAll,
  busyBatches,
  DISKS,
  type Disk,
  memoryDisk,
  request,
  requestOfBytes,
} from "./testing/fixture.js";

function withDisk<Answer>(make: () => Disk, use: (disk: Disk) => Answer): Answer {
  const disk = make();
  try {
    return use(disk);
  } finally {
    disk.remove();
  }
}

/** Everything a replica shows of its ledger. */
function shown(machine: LedgerMachine, clients: readonly number[]): unknown {
  const replies = clients.map((client) => {
    const reply = machine.lastReply(client);
    return reply && { ...reply, result: Buffer.from(reply.result).toString("hex") };
  });
  return { seq: machine.seq, digest: machine.currentDigest(), rows: machine.accounts(), replies };
}

function clientsOf(batches: readonly (readonly Request[])[]): number[] {
  return [...new Set(batches.flat().map(({ client }) => client))];
}

for (const make of DISKS) {
  const conforms = suite(`state machine on ${withDisk(make, ({ name }) => name)}`);
  const open = (account: string, timestamp = 1) =>
    request(7, timestamp, { kind: "open", account, name: "Ann", address: "Bergen" });
  const deposit = (timestamp: number, amount: number) =>
    request(7, timestamp, { kind: "deposit", account: "a", amount });

  conforms("an empty ledger is at seq 0 and has no accounts", () => {
    withDisk(make, (disk) => {
      const machine = disk.open();
      assert.is(machine.seq, 0);
      assert.equal(machine.accounts(), []);
      assert.is(machine.lastReply(7), undefined);
    });
  });

  conforms("a request executes once: repeated, it gets its reply again; older, none", () => {
    withDisk(make, (disk) => {
      const machine = disk.open();
      machine.apply(1, [open("a"), deposit(5, 10)]);
      const again = machine.apply(2, [deposit(5, 10), deposit(4, 10), deposit(6, 1)]);
      machine.commit();
      assert.equal(
        again.map(({ kind }) => kind),
        ["repeated", "stale", "executed"],
      );
      const [repeated] = again;
      assert.ok(repeated?.kind === "repeated");
      assert.is(repeated.reply.seq, 1);
      assert.equal(decodeResult(repeated.reply.result), { kind: "balance", balance: 10 });
      assert.is(machine.accounts(["a"])[0]?.balance, 11);
    });
  });

  conforms("exactly-once holds across a restart", () => {
    withDisk(make, (disk) => {
      applyAll(disk.open(), [[open("a"), deposit(5, 10)]]);
      const machine = disk.open();
      assert.is(machine.seq, 1);
      assert.is(machine.apply(2, [deposit(5, 10)])[0]?.kind, "repeated");
      assert.is(machine.accounts(["a"])[0]?.balance, 10);
    });
  });

  conforms("a malformed operation is answered and changes nothing but its session", () => {
    withDisk(make, (disk) => {
      const machine = disk.open();
      applyAll(machine, [[open("a")]]);
      const before = machine.accounts();
      const [execution] = machine.apply(2, [requestOfBytes(9, 1, new Uint8Array([99]))]);
      assert.ok(execution?.kind === "executed");
      assert.equal(decodeResult(execution.reply.result), {
        kind: "refused",
        refusal: "bad-operation",
      });
      assert.equal(machine.accounts(), before);
      assert.is(machine.lastReply(9)?.timestamp, 1);
    });
  });

  conforms("a batch that was not committed never happened", () => {
    withDisk(make, (disk) => {
      const first = disk.open();
      applyAll(first, [[open("a"), deposit(2, 10)]]);
      const digest = first.currentDigest();
      first.apply(2, [deposit(3, 5)]);
      first.apply(3, [deposit(4, 5)]);
      const second = disk.open();
      assert.is(second.seq, 1);
      assert.is(second.currentDigest(), digest);
      assert.is(second.lastReply(7)?.timestamp, 2);
    });
  });

  conforms("several seqs may share one transaction", () => {
    withDisk(make, (disk) => {
      const together = disk.open();
      const batches = busyBatches(4);
      for (const batch of batches) together.apply(together.seq + 1, batch);
      together.commit();
      together.sync();
      const apart = memoryDisk().open();
      applyAll(apart, batches);
      assert.is(disk.open().currentDigest(), apart.currentDigest());
    });
  });

  conforms("a seq may be applied once only, and in order", () => {
    withDisk(make, (disk) => {
      const machine = disk.open();
      assert.throws(() => machine.apply(2, []), /seq 2 applied after 0/);
      machine.apply(1, []);
      assert.throws(() => machine.apply(1, []), /seq 1 applied after 1/);
    });
  });

  conforms("the digest covers the seq, the sessions and their replies", () => {
    withDisk(make, (disk) => {
      const machine = disk.open();
      const digests = [machine.currentDigest()];
      const balance = (client: number) =>
        request(client, 1, { kind: "balance", account: "nobody" });
      for (const batch of [[], [balance(1)], [balance(2)], [open("a")], [deposit(2, 1)]]) {
        machine.apply(machine.seq + 1, batch);
        digests.push(machine.currentDigest());
      }
      assert.is(new Set(digests).size, digests.length);
    });
  });

  conforms("a ledger restarted at any point is one that never was", () => {
    const numRuns = make === memoryDisk ? 150 : 12;
    fc.assert(
      fc.property(anyBatches, fc.array(fc.nat(12), { maxLength: 4 }), (batches, restarts) => {
        withDisk(make, (disk) => {
          const clients = clientsOf(batches);
          const steady = memoryDisk().open();
          let machine = disk.open();
          for (const [index, batch] of batches.entries()) {
            steady.apply(index + 1, batch);
            machine.apply(index + 1, batch);
            machine.commit();
            if (index % 3 === 0) machine.sync();
            if (index % 2 === 0) machine.snapshot();
            if (!restarts.includes(index)) continue;
            machine.apply(index + 2, batch); // lost with the crash
            machine = disk.open();
            assert.equal(shown(machine, clients), shown(steady, clients));
          }
          assert.equal(shown(machine, clients), shown(steady, clients));
        });
      }),
      { numRuns },
    );
  });

  conforms("a restart finds its pages again, however many entries there are", () => {
    withDisk(make, (disk) => {
      const machine = disk.open();
      applyAll(machine, busyBatches(40));
      const digest = machine.snapshot();
      const reopened = disk.open();
      assert.is(reopened.currentDigest(), digest);
      const batches = busyBatches(41).slice(41);
      applyAll(reopened, batches);
      const steady = memoryDisk().open();
      applyAll(steady, busyBatches(41));
      assert.is(reopened.currentDigest(), steady.currentDigest());
    });
  });

  conforms.run();
}

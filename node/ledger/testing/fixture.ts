// What the ledger's tests share: requests, random batches, both kinds of store, restores by hand.

import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { Digest, Request, Seq } from "../../core/messages.js";
import type { StateMachine } from "../../core/state-machine.js";
import { LedgerMachine } from "../machine.js";
import { MemoryStore } from "../memory-store.js";
import { encodeOperation, type Operation } from "../operation.js";
import { openSqliteStore } from "../sqlite-store.js";

export function request(client: number, timestamp: number, operation: Operation): Request {
  return requestOfBytes(client, timestamp, encodeOperation(operation));
}

export function requestOfBytes(client: number, timestamp: number, operation: Uint8Array): Request {
  const none = new Uint8Array(0);
  return { kind: "request", client, timestamp, operation, authenticator: none, signature: none };
}

/** Something a machine can be opened on again and again, as a replica is on its disk. */
export type Disk = {
  name: string;
  /** Opens a machine; one that is open is taken for crashed: what it did not commit is lost. */
  open(): LedgerMachine;
  remove(): void;
};

export const DISKS: readonly (() => Disk)[] = [sqliteDisk, memoryDisk];

export function sqliteDisk(): Disk {
  const directory = mkdtempSync(join(tmpdir(), "ordeal-ledger-"));
  let machine: LedgerMachine | undefined;
  return {
    name: "sqlite",
    open() {
      machine?.close();
      machine = new LedgerMachine(openSqliteStore(join(directory, "ledger.sqlite")));
      return machine;
    },
    remove() {
      machine?.close();
      rmSync(directory, { recursive: true });
    },
  };
}

export function memoryDisk(): Disk {
  const store = new MemoryStore();
  return {
    name: "memory",
    open() {
      store.lose("uncommitted");
      return new LedgerMachine(store);
    },
    remove: () => undefined,
  };
}

const accountId = fc.constantFrom("a", "b", "c", "d", "nobody");
const amount = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 50 }) },
  { weight: 1, arbitrary: fc.constantFrom(0, -1, Number.MAX_SAFE_INTEGER, 2 ** 52) },
);

export const anyOperation: fc.Arbitrary<Operation> = fc.oneof<fc.WeightedArbitrary<Operation>[]>(
  {
    weight: 2,
    arbitrary: fc
      .constantFrom("a", "b", "c", "d")
      .map((account) => ({ kind: "open", account, name: `${account} ü`, address: "\u0000" })),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("deposit"), account: accountId, amount }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("withdraw"), account: accountId, amount }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("move"), from: accountId, to: accountId, amount }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("balance"), account: accountId }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("statement"),
      account: accountId,
      limit: fc.integer({ min: 1, max: 8 }),
    }),
  },
);

/** Mostly fresh requests of a few sessions; some repeated, stale or malformed. */
export const anyRequest: fc.Arbitrary<Request> = fc
  .record({
    client: fc.integer({ min: 0, max: 3 }).map((index) => 256 * 65_536 + index),
    timestamp: fc.integer({ min: 1, max: 40 }),
    operation: fc.oneof(
      { weight: 12, arbitrary: anyOperation.map(encodeOperation) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }) },
    ),
  })
  .map(({ client, timestamp, operation }) => requestOfBytes(client, timestamp, operation));

export const anyBatch = fc.array(anyRequest, { maxLength: 6 });
export const anyBatches = fc.array(anyBatch, { minLength: 1, maxLength: 12 });

/** Applies each batch at the next seq and commits it. */
export function applyAll(machine: LedgerMachine, batches: readonly (readonly Request[])[]): void {
  for (const batch of batches) {
    machine.apply(machine.seq + 1, batch);
    machine.commit();
  }
}

/** Batch 0 of the busy bank opens its 64 accounts; the others deposit and move, in 50 sessions. */
export function busyBatch(index: number): Request[] {
  const idOf = (number: number) => `account-${number % 64}`;
  if (index === 0) {
    return Array.from({ length: 64 }, (_, session) =>
      request(session, 1, { kind: "open", account: idOf(session), name: "", address: "" }),
    );
  }
  return Array.from({ length: 50 }, (_, session) => {
    const turn = index * 50 + session;
    const operation: Operation =
      index % 4 === 1
        ? { kind: "deposit", account: idOf(turn), amount: 1_000 + session }
        : { kind: "move", from: idOf(turn), to: idOf(turn * 7 + 1), amount: 1 + (turn % 5) };
    return request(session, index + 1, operation);
  });
}

/** The opening and `count` more batches of the busy bank. */
export function busyBatches(count: number): Request[][] {
  return Array.from({ length: count + 1 }, (_, index) => busyBatch(index));
}

/** Fetches all that is missing from `source`; returns how many nodes were fetched. */
export function fetchAll(target: StateMachine, source: StateMachine, nodesMax = Infinity): number {
  let fetched = 0;
  for (;;) {
    const [digest] = target.missingNodes(1);
    if (digest === undefined || fetched >= nodesMax) return fetched;
    const bytes = source.node(digest);
    assert(bytes !== undefined, `the source lacks node ${digest}`);
    assert.equal(target.putNode(bytes), "stored");
    fetched += 1;
  }
}

/** Restores `target` to what `source` has a snapshot of; returns how many nodes were fetched. */
export function restoreFrom(target: StateMachine, source: StateMachine, digest: Digest): number {
  const seq: Seq = source.seq;
  target.beginRestore(seq, digest);
  const fetched = fetchAll(target, source);
  assert.equal(target.finishRestore(), "installed");
  return fetched;
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { freePorts } from "../../node/runtime/free-ports.js";
import { generateKeys } from "../../node/runtime/keys.js";
import { waitFor } from "../../node/runtime/testing/loopback-cluster.js";
import { openChannel } from "./channel.js";
import { createSignatures } from "./signatures.js";
import { type Skeleton, startSkeleton } from "./skeleton.js";
import { CASH, COMMIT, encodeVote, F, REPLICAS } from "./wire.js";

const skeletons = suite("the skeleton of throughput");

const ACCOUNTS = 4;
const SESSIONS = 3;
const OPERATIONS = 20;

async function withSkeleton(
  { signed }: { signed: boolean },
  action: (skeleton: Skeleton) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "ordeal-skeleton-"));
  const skeleton = await startSkeleton(join(folder, "replicas"), { accounts: ACCOUNTS, signed });
  try {
    await action(skeleton);
  } finally {
    await skeleton.stop("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}

/** "seq session timestamp" of each entry, in order, and the sum of all balances. */
function readBank(path: string): { entries: string[]; sum: number } {
  const db = new Database(path);
  const entries = db
    .prepare<[], { entry: string }>(
      `SELECT seq || ' ' || session || ' ' || timestamp AS entry FROM entry ORDER BY "index"`,
    )
    .all();
  const sum = db.prepare<[], { sum: number }>("SELECT sum(balance) AS sum FROM account").get();
  db.close();
  return { entries: entries.map(({ entry }) => entry), sum: sum?.sum ?? 0 };
}

for (const signed of [false, true]) {
  const votes = signed ? "signed votes" : "votes that nobody signs";
  skeletons(
    `${votes}: what was acknowledged is in f+1 ledgers, once and in one order, after a kill`,
    async () => {
      await withSkeleton({ signed }, async ({ client, databaseOf, stop }) => {
        const acknowledged: string[] = [];
        const session = async (index: number) => {
          for (let count = 0; count < OPERATIONS; count++) {
            const transfer = { debit: CASH, credit: index, amount: 5 };
            const { seq, timestamp, applied } = await client.call(index, transfer);
            assert.ok(applied);
            acknowledged.push(`${seq} ${index} ${timestamp}`);
          }
        };
        await Promise.all(Array.from({ length: SESSIONS }, (_, index) => session(index)));
        await stop("SIGKILL");

        const banks = Array.from({ length: REPLICAS }, (_, id) => readBank(databaseOf(id)));
        const longest = banks.reduce((one, other) =>
          other.entries.length > one.entries.length ? other : one,
        );
        for (const { entries, sum } of banks) {
          assert.equal(entries, longest.entries.slice(0, entries.length));
          assert.is(sum, ACCOUNTS * 1_000_000 + 5 * entries.length);
        }
        assert.is(longest.entries.length, SESSIONS * OPERATIONS);
        for (const entry of acknowledged) {
          assert.ok(banks.filter(({ entries }) => entries.includes(entry)).length >= F + 1, entry);
        }
      });
    },
  );
}

skeletons("a vote holds under its sender's signature only, and only as it was signed", () => {
  const [one, other] = [generateKeys(0), generateKeys(1)];
  const publics = [one, other].map((keys) => keys.public.signingKey);
  const { sign, holds } = createSignatures([one.secret.signingSecret, ...publics].join(","));
  const vote = encodeVote(COMMIT, 7, "d".repeat(32), sign);
  assert.ok(holds(0, vote));
  assert.not(holds(1, vote), "another's name");
  assert.not(holds(2, vote), "nobody's name");
  const changed = Buffer.from(vote);
  changed.writeUInt32BE(8, 1);
  assert.not(holds(0, changed), "another seq");
  assert.not(holds(0, encodeVote(COMMIT, 7, "d".repeat(32), undefined)), "no signature");
});

skeletons("a debit that is not covered is not applied", async () => {
  await withSkeleton({ signed: false }, async ({ client }) => {
    const { applied } = await client.call(0, { debit: 0, credit: 1, amount: 1_000_001 });
    assert.not(applied);
  });
});

skeletons("a datagram under another key is not heard", async () => {
  const ports = await freePorts(3, "127.0.0.1");
  const heard: number[] = [];
  const onMessage = (from: number) => void heard.push(from);
  const channels = [
    await openChannel({ self: 0, ports, seed: "one", onMessage }),
    await openChannel({ self: 1, ports, seed: "other", onMessage }),
    await openChannel({ self: 2, ports, seed: "one", onMessage }),
  ];
  const vote = encodeVote(COMMIT, 1, "d".repeat(32), undefined);
  // In the order of their turns: the socket has the refused one first.
  channels[1]?.post(0, vote);
  channels[2]?.post(0, vote);
  await waitFor("the other datagram", async () => heard.length > 0 || undefined);
  for (const channel of channels) channel.close();
  assert.equal(heard, [2]);
});

skeletons.run();

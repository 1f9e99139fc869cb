// What must hold inside one correct replica after every turn, whoever its peers are.

import type { ReplicaId, Seq, View } from "../../node/core/messages.js";
import { preparesNeeded, primaryOf, quorumOf } from "../../node/core/quorum.js";
import type { Replica } from "../../node/core/replica.js";
import { Violation } from "./violation.js";

/** What a replica was at its last turn; over all its processes, but not over a lost disk. */
export type Remembered = { view: View; executedSeq: Seq; stableSeq: Seq; tick: number };

/** Throws a Violation; updates `last`. */
export function checkReplica(replica: Replica, last: Remembered, checked: WeakSet<object>): void {
  const { id, view, executedSeq, stable } = replica;
  if (view < last.view) fail("views", id, `went back from view ${last.view} to ${view}`);
  if (executedSeq < last.executedSeq) {
    fail("executed-prefix", id, `went back from seq ${last.executedSeq} to ${executedSeq}`);
  }
  if (stable.seq < last.stableSeq) {
    fail("watermarks", id, `its stable checkpoint went back to ${stable.seq}`);
  }
  // The slots change with these; looking at all of them in every turn would cost the most.
  const moved = executedSeq !== last.executedSeq || stable.seq !== last.stableSeq;
  const due = moved || view !== last.view || replica.tick !== last.tick;
  last.view = view;
  last.executedSeq = executedSeq;
  last.stableSeq = stable.seq;
  last.tick = replica.tick;
  if (due) checkSlots(replica, checked);
  checkStable(replica, checked);
}

function checkSlots(replica: Replica, checked: WeakSet<object>): void {
  const { id, config, slots, stable } = replica;
  const { n, window } = config;
  if (slots.size > window) fail("watermarks", id, `holds ${slots.size} slots in ${window}`);
  for (const slot of slots.values()) {
    if (slot.seq <= stable.seq || slot.seq > stable.seq + window) {
      fail("watermarks", id, `holds seq ${slot.seq} outside (${stable.seq}, +${window}]`);
    }
    const { prepared, committed } = slot;
    if (prepared !== undefined && !checked.has(prepared)) {
      checked.add(prepared);
      const { view, seq, digest, prepares } = prepared;
      const voters = new Set(prepares.map((prepare) => prepare.replica));
      voters.delete(primaryOf(view, n));
      const alike = prepares.every(
        (prepare) => prepare.view === view && prepare.seq === seq && prepare.digest === digest,
      );
      if (voters.size < preparesNeeded(n) || !alike) {
        fail("certificates", id, `prepared seq ${seq} with ${voters.size} backups`);
      }
    }
    if (committed !== undefined && !checked.has(committed)) {
      checked.add(committed);
      const { view, seq, digest, commits } = committed;
      const voters = new Set(commits.map((commit) => commit.replica));
      const alike = commits.every(
        (commit) => commit.view === view && commit.seq === seq && commit.digest === digest,
      );
      if (voters.size < quorumOf(n) || !alike) {
        fail("certificates", id, `committed seq ${seq} with ${voters.size} replicas`);
      }
    }
  }
}

function checkStable({ id, config, stable }: Replica, checked: WeakSet<object>): void {
  if (stable.seq === 0 || checked.has(stable)) return;
  checked.add(stable);
  const alike = stable.proof.filter(
    ({ seq, digest }) => seq === stable.seq && digest === stable.digest,
  );
  const voters = new Set(alike.map(({ replica }) => replica));
  if (voters.size >= quorumOf(config.n)) return;
  fail("stable-proof", id, `calls seq ${stable.seq} stable with ${voters.size} checkpoints`);
}

function fail(check: string, id: ReplicaId, what: string): never {
  throw new Violation(check, `r${id} ${what}`);
}

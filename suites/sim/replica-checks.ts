// What must hold inside one correct replica after every turn, whoever its peers are.

import { batchDigest } from "../../node/core/digest.js";
import type {
  CommitCertificate,
  PreparedCertificate,
  ReplicaId,
  Seq,
  View,
} from "../../node/core/messages.js";
import { quorumOf } from "../../node/core/quorum.js";
import type { Replica } from "../../node/core/replica.js";
import { type Audit, isVoteFor, preparedProblem, stableProblem, votersOf } from "./audit.js";
import { viewChangeProblem } from "./new-view-check.js";
import { Violation } from "./violation.js";

/** What a replica was at its last turn; over all its processes, but not over a lost disk. */
export type Remembered = {
  view: View;
  viewActive: boolean;
  executedSeq: Seq;
  stableSeq: Seq;
  /** The checkpoint that was seen to be proved. */
  stable: object | undefined;
  tick: number;
  /** The last that it said it executed; a transfer passes others by. */
  toldExecuted: Seq;
};

/** Before the first turn on an empty disk. */
export function nothingRemembered(): Remembered {
  return {
    view: 0,
    viewActive: false,
    executedSeq: 0,
    stableSeq: 0,
    stable: undefined,
    tick: 0,
    toldExecuted: 0,
  };
}

/** Throws a Violation; updates `last`. */
export function checkReplica(replica: Replica, last: Remembered, audit: Audit): void {
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
  // What a certificate brought before the view began says nothing of the view.
  const executed = executedSeq !== last.executedSeq && executedSeq === last.toldExecuted;
  if (executed && view === last.view && last.viewActive) checkTimeout(replica);
  const due = moved || view !== last.view || replica.tick !== last.tick;
  last.view = view;
  last.viewActive = replica.viewActive;
  last.executedSeq = executedSeq;
  last.stableSeq = stable.seq;
  last.tick = replica.tick;
  if (due) {
    checkSlots(replica, audit);
    checkMemory(replica);
    checkWaiting(replica);
  }
  if (stable !== last.stable) {
    checkStable(replica, audit);
    last.stable = stable;
  }
  if (replica.viewChanges.size > 0) checkViewChanges(replica, audit);
}

function checkSlots(replica: Replica, audit: Audit): void {
  const { id, config, slots, stable } = replica;
  const { window } = config;
  if (slots.size > window) fail("watermarks", id, `holds ${slots.size} slots in ${window}`);
  for (const { seq, prepared, committed } of slots.values()) {
    if (seq <= stable.seq || seq > stable.seq + window) {
      fail("watermarks", id, `holds seq ${seq} outside (${stable.seq}, +${window}]`);
    }
    if (prepared !== undefined && isNew(prepared, audit)) checkPrepared(replica, prepared, audit);
    if (committed !== undefined && isNew(committed, audit)) {
      checkCommitted(replica, committed, audit);
    }
  }
}

function checkPrepared(replica: Replica, certificate: PreparedCertificate, audit: Audit): void {
  const problem = preparedProblem(certificate, replica.config.n, audit);
  if (problem !== undefined) fail("certificates", replica.id, problem);
}

/** @source OSDI '99 §4.2, committed(m, v, n) */
function checkCommitted(
  { id, config: { n } }: Replica,
  { view, seq, digest, commits, requests }: CommitCertificate,
  audit: Audit,
): void {
  const alike = commits.filter((commit) => isVoteFor(commit, { view, seq, digest }));
  const voters = votersOf(alike, audit);
  if (voters.size < quorumOf(n)) {
    fail("certificates", id, `committed seq ${seq} with ${voters.size} replicas`);
  }
  if (batchDigest(requests) !== digest) {
    fail("certificates", id, `committed another batch at seq ${seq} than was voted for`);
  }
}

function checkStable({ id, config, stable }: Replica, audit: Audit): void {
  if (stable.seq === 0) return;
  const problem = stableProblem(stable.proof, stable, config.n, audit);
  if (problem !== undefined) fail("stable-proof", id, problem);
}

/** A view-change that is held may end up in a new view, or make one join. */
function checkViewChanges(
  { id, config, viewChanges, pendingNewViews }: Replica,
  audit: Audit,
): void {
  const held = [...viewChanges.values()].map(({ message }) => message);
  const fetched = [...pendingNewViews.values()].flatMap((pending) => [...pending.fetched.values()]);
  for (const message of [...held, ...fetched]) {
    if (!isNew(message, audit)) continue;
    const problem = viewChangeProblem(message, config.n, audit);
    if (problem === undefined) continue;
    fail("view-changes", id, `believes r${message.replica}'s view-change, which ${problem}`);
  }
}

/** Once a request has executed in a view, the next time-out is the first one again. */
function checkTimeout({ id, view, viewActive, executedSeq, slots, attempts }: Replica): void {
  const latest = slots.get(executedSeq)?.committed;
  if (!viewActive || latest?.view !== view || latest.requests.length === 0) return;
  if (attempts > 0) fail("time-outs", id, `executed in view ${view} and waits as if it had not`);
}

/** Who waits for what is done blames a primary that owes nothing. */
function checkWaiting({ id, waiting, stateMachine }: Replica): void {
  for (const [client, { request }] of waiting) {
    const last = stateMachine.lastReply(client);
    if (last === undefined || last.timestamp < request.timestamp) continue;
    fail("waiting", id, `waits for request ${request.timestamp} of client ${client}, which it did`);
  }
}

/** What a liar's votes may make a replica keep, beside its slots. */
function checkMemory({ id, config, checkpoints }: Replica): void {
  const { n, window, checkpointInterval } = config;
  let votes = 0;
  for (const voters of checkpoints.values()) votes += voters.size;
  const most = n * (window / checkpointInterval + 2);
  if (votes > most) fail("memory", id, `keeps ${votes} checkpoint votes, of ${most} at most`);
}

function isNew(proof: object, { checked }: Audit): boolean {
  if (checked.has(proof)) return false;
  checked.add(proof);
  return true;
}

function fail(check: string, id: ReplicaId, what: string): never {
  throw new Violation(check, `r${id} ${what}`);
}

// Recovery from our own log: replays the records so that every promise made before the crash holds
// after it. Each vote that left the machine has its record; a vote that is rebuilt here is the same
// vote. What the state machine had not made durable is executed again from the log.

import { signCommit, signPrepare } from "./certificate.js";
import { takeCheckpoint } from "./checkpoint.js";
import { NULL_DIGEST } from "./digest.js";
import { executeNext } from "./execution.js";
import type { LogRecord } from "./log.js";
import type { Checkpoint, CommitCertificate, PrePrepare, Seq, View } from "./messages.js";
import { adoptProposals } from "./new-view.js";
import type { Outbox } from "./outbox.js";
import { addVote, type Slot } from "./slot.js";
import { inWindow, isPrimary, mayVote, type Replica, slotOf } from "./state.js";
import { held } from "./view-change.js";
import { VOTES_AHEAD_MAX } from "./votes-ahead.js";

/** Rebuilds the state from the log, which may be empty. Called once, before the first step. */
export function replay(replica: Replica, records: readonly LogRecord[], out: Outbox): void {
  for (const record of records) replayRecord(replica, record);
  replayVotesAhead(replica);
  for (const slot of replica.slots.values()) rebuildVotes(replica, slot);
  const proposed = [...replica.slots.values()].filter((slot) => slot.proposal !== undefined);
  const { executedSeq, stable } = replica;
  const last = Math.max(executedSeq, stable.seq, ...proposed.map((slot) => slot.seq));
  replica.nextSeq = last + 1;
  if (replica.rejoin !== undefined && records.length === 0) {
    out.persist({ kind: "rejoin", seq: 0 }); // so that a crash while we are silent keeps us silent
  }
  const { checkpointInterval } = replica.config;
  if (executedSeq > 0 && executedSeq % checkpointInterval === 0) takeCheckpoint(replica, out);
  while (replica.executedSeq >= replica.stable.seq && executeNext(replica, out)) {
    replica.committedUnlogged = []; // it came from the log
  }
}

function replayRecord(replica: Replica, record: LogRecord): void {
  switch (record.kind) {
    case "view":
      replica.view = record.view;
      replica.viewActive = record.active;
      return;
    case "pre-prepare":
      replayPrePrepare(replica, record.message, false);
      return;
    case "abstained":
      replayPrePrepare(replica, record.message, true);
      return;
    case "votes-logged":
      replica.votesLogged = undefined;
      replica.votesForgotten = { view: record.view, seq: record.forgottenSeq };
      return;
    case "prepared": {
      const { certificate } = record;
      replayVote(replica, certificate);
      if (inWindow(replica, certificate.seq))
        slotOf(replica, certificate.seq).prepared = certificate;
      return;
    }
    case "checkpoint":
      replayCheckpoint(replica, record.message);
      return;
    case "stable":
      replayStable(replica, record.proof);
      return;
    case "view-change":
      replica.view = record.message.view;
      replica.viewActive = false;
      replica.progressed = false;
      replica.viewChanges.set(replica.id, held(record.message));
      return;
    case "new-view": {
      const viewChanges = record.viewChanges.map(held);
      replica.view = record.message.view;
      replica.viewActive = true;
      replica.newView = { message: record.message, viewChanges };
      replica.viewChanges.delete(replica.id);
      adoptProposals(replica, record.message);
      return;
    }
    case "committed":
      replayCommitted(replica, record.certificate);
      return;
    case "rejoin":
      replica.rejoin = { seq: record.seq };
      return;
    default:
      record satisfies never;
  }
}

/** The last vote of the highest view that has one. */
function replayVote(replica: Replica, { view, seq }: { view: View; seq: Seq }): void {
  const { votesLogged } = replica;
  if (votesLogged !== undefined && votesLogged.view > view) return;
  const before = votesLogged?.view === view ? votesLogged.seq : 0;
  replica.votesLogged = { view, seq: Math.max(before, seq), tick: 0 };
}

/** Beyond the last vote in the log others may have been cast; the next one has to say where it stands. */
function replayVotesAhead(replica: Replica): void {
  const { view, votesLogged, votesForgotten } = replica;
  const before = votesForgotten?.view === view ? votesForgotten.seq : 0;
  const ahead = votesLogged?.view === view ? votesLogged.seq + VOTES_AHEAD_MAX : 0;
  replica.votesForgotten = { view, seq: Math.max(before, ahead) };
  replica.votesLogged = undefined;
}

function replayPrePrepare(replica: Replica, message: PrePrepare, abstained: boolean): void {
  const { view, seq, digest, signature, requests } = message;
  replayVote(replica, message);
  if (!inWindow(replica, seq)) return;
  const slot = slotOf(replica, seq);
  slot.bodies.set(digest, { requests, logged: true });
  if (slot.proposal === undefined || slot.proposal.view <= view) {
    slot.proposal = { view, digest, signature };
    slot.abstained = abstained;
  }
}

function replayCheckpoint(replica: Replica, vote: Checkpoint): void {
  if (vote.seq <= replica.stable.seq) return;
  replica.checkpoints.set(vote.seq, new Map([[replica.id, { vote, verified: true }]]));
  replica.ownDigests.set(vote.seq, vote.digest);
}

function replayStable(replica: Replica, proof: readonly Checkpoint[]): void {
  const [first] = proof;
  if (first === undefined || first.seq <= replica.stable.seq) return;
  replica.stable = { seq: first.seq, digest: first.digest, proof };
}

/** The batch is in the record, or in a pre-prepare before it. */
function replayCommitted(replica: Replica, certificate: CommitCertificate): void {
  if (!inWindow(replica, certificate.seq)) return;
  const slot = slotOf(replica, certificate.seq);
  const { digest } = certificate;
  const logged = slot.bodies.get(digest)?.requests;
  if (certificate.requests.length === 0 && logged === undefined && digest !== NULL_DIGEST) return;
  const requests = logged ?? certificate.requests;
  slot.bodies.set(digest, { requests, logged: true });
  slot.committed = { ...certificate, requests };
}

/** A pre-prepare of the current view implies our prepare, a certificate of it our commit. */
function rebuildVotes(replica: Replica, slot: Slot): void {
  const { proposal, prepared, seq } = slot;
  if (proposal === undefined) return;
  if (!replica.viewActive || proposal.view !== replica.view) {
    slot.proposal = undefined;
    return;
  }
  const { view, digest } = proposal;
  if (!slot.bodies.has(digest)) {
    replica.fetchDue = true;
    return;
  }
  if (!mayVote(replica)) return;
  if (!isPrimary(replica) && !slot.abstained)
    addVote(slot.prepares, signPrepare(replica, { view, seq, digest }), true);
  if (prepared?.view !== view) return;
  for (const prepare of prepared.prepares) addVote(slot.prepares, prepare, true);
  addVote(slot.commits, signCommit(replica, { view, seq, digest }), true);
  slot.preparedHere = true;
}

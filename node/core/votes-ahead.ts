// Votes ahead of the log. Syncing a proposal before the vote for it, and its certificate before the commit,
// would be three syncs in a row for each batch. So a vote for a proposal (a backup's prepare, the primary's
// pre-prepare) may leave before its record is durable, a few seqs beyond the last vote of the same view that
// is: its record joins the certificate's. A restart then knows how far such votes may have gone, and not
// which were cast. A backup abstains from those that it does not find in its log; the primary, whose own
// proposals they would be, resigns. A commit never runs ahead: what it promises has to be shown.
// DEVIATION: the paper's replicas do not lose their memory.

import type { PrePrepare, Seq } from "./messages.js";
import type { Outbox } from "./outbox.js";
import { isPrimary, mayVote, type Replica } from "./state.js";
import { startViewChange } from "./view-change.js";

/** May grow from one version to the next, never shrink: a log of today is read by it tomorrow. */
export const VOTES_AHEAD_MAX = 4;

/** A vote of the current view for this seq is in a record that is durable before the next message. */
export function noteVoteLogged(replica: Replica, seq: Seq): void {
  const { view, tick, votesLogged } = replica;
  const before = votesLogged?.view === view ? votesLogged.seq : 0;
  replica.votesLogged = { view, seq: Math.max(before, seq), tick };
}

/** Logs a proposal of the current view that we vote for; it is durable before the vote, or runs ahead. */
export function logVotedProposal(replica: Replica, message: PrePrepare, out: Outbox): void {
  const { votesLogged, tick } = replica;
  if (votesLogged?.view === message.view && message.seq <= votesLogged.seq + VOTES_AHEAD_MAX) {
    votesLogged.tick = tick;
    out.persistLater({ kind: "pre-prepare", message });
    return;
  }
  out.persist({ kind: "pre-prepare", message });
  noteVoteLogged(replica, message.seq);
}

/**
 * At a tick: where no vote was cast since the one before, the log is completed and says so, so that a
 * crash while nothing happens makes nobody abstain or resign.
 */
export function completeIdleLog(replica: Replica, out: Outbox): void {
  const { votesLogged, view, tick } = replica;
  if (votesLogged?.view === view && tick - votesLogged.tick > 1) completeLog(replica, out);
}

/** Every vote is in the log, and the log says so. */
export function completeLog(replica: Replica, out: Outbox): void {
  out.persist(votesLoggedRecord(replica));
  replica.votesLogged = undefined;
}

/** Stands behind the records of all votes that this process cast. */
export function votesLoggedRecord({ view, votesForgotten }: Replica) {
  const forgottenSeq = votesForgotten?.view === view ? votesForgotten.seq : 0;
  return { kind: "votes-logged", view, forgottenSeq } as const;
}

/** Whether an earlier process may have voted for another proposal there, in the current view. */
export function mayHaveVoted({ view, newView, votesForgotten }: Replica, seq: Seq): boolean {
  if (votesForgotten?.view !== view || seq > votesForgotten.seq) return false;
  // What the new-view proposes is in its record, and so are the votes for it.
  const named =
    newView?.message.view === view ? newView.message.prePrepares.at(-1)?.seq : undefined;
  return seq > (named ?? 0);
}

/** After a restart: a primary that may have proposed what it does not know leaves its view to the next. */
export function resignIfForgotten(replica: Replica, out: Outbox): void {
  if (!replica.viewActive || !isPrimary(replica) || !mayVote(replica)) return;
  if (!mayHaveVoted(replica, replica.nextSeq)) return;
  startViewChange(replica, replica.view + 1, "restarted", out);
}

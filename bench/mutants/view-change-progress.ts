// Mistakes that keep a view change from coming to its end: time-outs, joins, what is not sent again.

import { FILES, type Mutant } from "./mutant.js";

export const VIEW_CHANGE_PROGRESS: readonly Mutant[] = [
  {
    id: "time-out-never-doubled",
    wrong: "Every time-out is as long as the first.",
    breaks: "progress where messages take longer than that",
    exposedBy: "slow links that stay slow",
    source: "OSDI '99 §4.5.2",
    patches: [
      {
        file: FILES.viewChange,
        find: "return Math.min(base * 2 ** Math.min(replica.attempts, 30), viewTimeoutMsMax);",
        replace: "return Math.min(base, viewTimeoutMsMax);",
      },
    ],
  },
  {
    id: "time-out-never-reset",
    wrong: "A time-out that has grown stays long though the view works.",
    breaks: "progress within the bound of the first time-outs",
    exposedBy: "a faulty primary after many view changes",
    patches: [
      {
        file: FILES.execution,
        find: "    replica.progressed = true; // this view works: time-outs start from the smallest again\n    replica.attempts = 0;\n",
        replace: "    replica.progressed = true;\n",
      },
    ],
  },
  {
    id: "time-out-uncapped",
    wrong: "Time-outs double without an end.",
    breaks: "progress within a bound after a long outage",
    exposedBy: "an outage of many time-outs",
    patches: [
      {
        file: FILES.viewChange,
        find: "return Math.min(base * 2 ** Math.min(replica.attempts, 30), viewTimeoutMsMax);",
        replace:
          "return Math.max(base * 4 ** Math.min(replica.attempts, 14), Math.min(base, viewTimeoutMsMax));",
      },
    ],
  },
  {
    id: "no-join",
    wrong: "A replica does not join when f+1 others ask for later views.",
    breaks: "progress: replicas wait for each other in different views",
    exposedBy: "a backup that knows of no request while the others change views",
    source: "OSDI '99 §4.5.2",
    patches: [
      {
        file: FILES.viewChange,
        find: "  if (later.length < weakQuorumOf(replica.config.n)) return false;\n",
        replace:
          "  if (later.length < weakQuorumOf(replica.config.n) + replica.config.n) return false;\n",
      },
    ],
  },
  {
    id: "joins-one",
    wrong: "A replica joins as soon as one other asks for a later view.",
    breaks: "progress: one liar keeps all changing views",
    exposedBy: "a liar that asks for ever later views",
    source: "OSDI '99 §4.5.2: faulty replicas cannot force frequent view changes",
    patches: [
      {
        file: FILES.viewChange,
        find: "  if (later.length < weakQuorumOf(replica.config.n)) return false;\n",
        replace: "  if (later.length < weakQuorumOf(replica.config.n) - replica.f) return false;\n",
      },
    ],
  },
  {
    id: "no-new-view-timer",
    wrong: "Nobody waits for a new-view with a time-out.",
    breaks: "progress: a view whose primary is dead never ends",
    exposedBy: "two primaries in a row that are dead or cut off",
    patches: [
      {
        file: FILES.viewChange,
        find: "    if (!quorumAsks(replica)) {\n",
        replace: "    if (!quorumAsks(replica) || replica.view > 0) {\n",
      },
    ],
  },
  {
    id: "stuck-in-view-change",
    wrong: "A replica that asks for a view follows the others into no other one.",
    breaks: "progress: it executes what it is sent and votes for nothing",
    exposedBy: "a replica that was alone in asking, and later the failure of another",
    patches: [
      {
        file: FILES.newView,
        find: `  if (message.view < replica.view) return ignored("old-view");\n`,
        replace:
          `  if (message.view < replica.view) return ignored("old-view");\n` +
          `  if (message.view > replica.view && !replica.viewActive) return ignored("other-view");\n`,
      },
      {
        file: FILES.viewChange,
        find: "  if (replica.viewChanges.size === 0 || !mayVote(replica)) return false;\n",
        replace:
          "  if (replica.viewChanges.size === 0 || !mayVote(replica)) return false;\n" +
          "  if (!replica.viewActive) return false;\n",
      },
    ],
  },
  {
    id: "view-change-not-resent",
    wrong: "A lost view-change is not sent again.",
    breaks: "progress: 2f+1 never ask",
    exposedBy: "lost datagrams during a view change",
    patches: [
      {
        file: FILES.retransmission,
        find: "  peer.viewChangeSent = { tick, view };\n  out.send(to, own.message);\n",
        replace: "  peer.viewChangeSent = { tick, view };\n",
      },
    ],
  },
  {
    id: "new-view-not-resent",
    wrong: "A lost new-view is not sent again.",
    breaks: "progress: who missed it waits for the next view, and a view of f+1 serves nobody",
    exposedBy: "a new-view that is lost on the way to a replica",
    patches: [
      {
        file: FILES.retransmission,
        find: "    if (missed) out.send(to, newView.message);\n",
        replace: "    if (missed && newView.message.view < 0) out.send(to, newView.message);\n",
      },
    ],
  },
  {
    id: "missing-batch-never-fetched",
    wrong: "A batch that a new-view names and that is not here is never asked for.",
    breaks: "progress",
    exposedBy: "a new view with a batch that some replicas did not get",
    patches: [
      {
        file: FILES.fetch,
        find: "  const digests = missingBatches(replica);\n  if (digests.length > 0) {\n",
        replace:
          "  const digests = missingBatches(replica);\n  if (digests.length > replica.config.window) {\n",
      },
      {
        file: FILES.normalCase,
        find: "  addBody(replica, slot, message.requests, out);\n  return accepted;\n",
        replace:
          "  if (slot.proposal.view < 0) addBody(replica, slot, message.requests, out);\n  return accepted;\n",
      },
    ],
  },
  {
    id: "missing-view-change-never-fetched",
    wrong: "A view-change that a new-view names and that is not here is never asked for.",
    breaks: "progress",
    exposedBy: "a new-view that names a view-change which was lost on one link",
    patches: [
      {
        file: FILES.fetch,
        find: "    if (missing.length === 0) continue;\n",
        replace: "    if (missing.length <= replica.config.n) continue;\n",
      },
    ],
  },
  {
    id: "first-view-changes-taken",
    wrong:
      "The next primary takes the first 2f+1 view-changes, whether it has their batches or not.",
    breaks: "progress: a view has to propose what nobody gives",
    exposedBy: "a power failure that one liar's certificate survives, and its batch does not",
    patches: [
      {
        file: FILES.newView,
        find: "unknownBatches(replica, message).length === 0);\n",
        replace: "unknownBatches(replica, message).length >= 0);\n",
      },
    ],
  },
];

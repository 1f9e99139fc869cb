// Mistakes in view changes: what is shown, what follows from it, and when one asks.

import { FILES, type Mutant } from "./mutant.js";

const PREPARED_SHOWN =
  "if (slot.prepared !== undefined && slot.seq > stable.seq) prepared.push(slot.prepared);";

export const VIEW_CHANGE: readonly Mutant[] = [
  {
    id: "p-dropped",
    wrong: "A view-change shows no prepared certificate.",
    breaks: "agreement: what committed is lost",
    exposedBy: "a view change while something is committed at some replicas only",
    source: "OSDI '99 §4.4, P",
    patches: [
      {
        file: FILES.viewChange,
        find: PREPARED_SHOWN,
        replace:
          "if (slot.prepared !== undefined && slot.seq < stable.seq) prepared.push(slot.prepared);",
      },
    ],
  },
  {
    id: "p-lost-across-two",
    wrong: "A view-change shows only what prepared in the very last view.",
    breaks: "agreement: what committed is lost",
    exposedBy: "two view changes in a row",
    patches: [
      {
        file: FILES.viewChange,
        find: PREPARED_SHOWN,
        replace:
          "if (slot.prepared?.view === replica.view && slot.seq > stable.seq) {\n" +
          "      prepared.push(slot.prepared);\n    }",
      },
    ],
  },
  {
    id: "p-of-earlier-tick",
    wrong:
      "A certificate of the last moment is not in the view-change, though its commit has left.",
    breaks: "agreement: what committed is lost",
    exposedBy: "a time-out right after a commit",
    patches: [
      {
        file: FILES.viewChange,
        find: PREPARED_SHOWN,
        replace:
          "const settled = replica.tick > slot.sentTick + 1;\n" +
          "    if (slot.prepared !== undefined && slot.seq > stable.seq && settled) {\n" +
          "      prepared.push(slot.prepared);\n    }",
      },
    ],
  },
  {
    id: "p-unvalidated",
    wrong: "The certificates in a view-change are not checked.",
    breaks: "agreement: a liar's batch takes the place of one that committed",
    exposedBy: "a view-change with certificates that were made up",
    patches: [
      {
        file: FILES.viewChange,
        find: "    const problem = preparedProblem(replica, certificate);\n    if (problem !== undefined) return problem;\n",
        replace: "    preparedProblem(replica, certificate);\n",
      },
    ],
  },
  {
    id: "lowest-view-chosen",
    wrong: "Of two certificates for a seq the one of the lower view decides.",
    breaks: "agreement",
    exposedBy: "two view changes with different batches for one seq",
    source: "OSDI '99 §4.4: the highest view number",
    patches: [
      {
        file: FILES.newView,
        find: "view > before.view) best",
        replace: "view < before.view) best",
      },
    ],
  },
  {
    id: "new-view-of-f1",
    wrong: "f+1 view-changes are enough for a new view.",
    breaks: "agreement: what committed is lost",
    exposedBy: "a view change that the replicas with the certificate come late to",
    patches: [
      {
        file: FILES.newView,
        find: "  const needed = quorumOf(replica.config.n);\n",
        replace: "  const needed = quorumOf(replica.config.n) - replica.f;\n",
      },
      {
        file: FILES.newView,
        find: "  if (message.viewChanges.length !== quorumOf(n)) return",
        replace: "  if (message.viewChanges.length !== quorumOf(n) - replica.f) return",
      },
    ],
  },
  {
    id: "new-view-repeats",
    wrong: "A new-view may name one view-change several times.",
    breaks: "agreement: what committed is lost",
    exposedBy: "a primary whose new-view names its own view-change three times",
    patches: [
      {
        file: FILES.newView,
        find: `  if (!distinctAscending(message.viewChanges, n)) return ignored("repeated-view-changes");\n`,
        replace: "  distinctAscending(message.viewChanges, n);\n",
      },
    ],
  },
  {
    id: "o-not-recomputed",
    wrong: "Backups take a new-view's pre-prepares as they are.",
    breaks: "agreement: what committed is lost",
    exposedBy: "a primary whose new-view leaves a prepared batch out",
    source: "OSDI '99 §4.4: verifies O by a computation like the primary's",
    patches: [
      {
        file: FILES.newView,
        find: "  if (problem !== undefined) return refuse(replica, message, problem, out);\n",
        replace: `  if (problem === "forged-pre-prepare") return refuse(replica, message, problem, out);\n`,
      },
      {
        file: FILES.newView,
        find: `  if (prePrepares.length !== plan.proposals.length) return "wrong-pre-prepares";\n`,
        replace: `  if (plan.minSeq < 0) return "wrong-pre-prepares";\n`,
      },
      {
        file: FILES.newView,
        find: `    if (given?.seq !== expected.seq || given.digest !== expected.digest)\n      return "wrong-pre-prepares";\n`,
        replace: `    if (given?.seq !== expected.seq && index < 0) return "wrong-pre-prepares";\n`,
      },
    ],
  },
  {
    id: "gap-not-filled",
    wrong: "A seq at which nothing prepared is left out of the new view.",
    breaks: "progress: nothing executes behind the gap",
    exposedBy: "a view change with several batches outstanding",
    patches: [
      {
        file: FILES.newView,
        find: "    proposals.push({ seq, digest: best.get(seq)?.digest ?? NULL_DIGEST });\n",
        replace:
          "    const digest = best.get(seq)?.digest;\n" +
          "    if (digest !== undefined) proposals.push({ seq, digest });\n",
      },
    ],
  },
  {
    id: "null-over-prepared",
    wrong: "A batch that only one view-change shows gives way to the null request.",
    breaks: "agreement: what committed is lost",
    exposedBy: "a view change that one holder of the certificate takes part in",
    patches: [
      {
        file: FILES.newView,
        find: "    proposals.push({ seq, digest: best.get(seq)?.digest ?? NULL_DIGEST });\n",
        replace:
          "    const shown = viewChanges.filter(({ prepared }) => prepared.some((one) => one.seq === seq));\n" +
          "    const digest = shown.length > 1 ? best.get(seq)?.digest : undefined;\n" +
          "    proposals.push({ seq, digest: digest ?? NULL_DIGEST });\n",
      },
    ],
  },
  {
    id: "min-s-lowest",
    wrong: "A new view starts above the lowest stable checkpoint that was shown.",
    breaks: "agreement: null requests where batches have executed",
    exposedBy: "a view change with a replica that is a checkpoint behind",
    patches: [
      {
        file: FILES.newView,
        find: "  for (let seq = minSeq + 1; seq <= maxSeq; seq++) {\n",
        replace:
          "  const lowest = Math.min(...viewChanges.map(({ stableSeq }) => stableSeq));\n" +
          "  for (let seq = lowest + 1; seq <= Math.max(maxSeq, minSeq); seq++) {\n",
      },
    ],
  },
  {
    id: "stable-proof-unchecked",
    wrong: "The proof of the stable checkpoint in a view-change is not checked.",
    breaks: "progress: a new view starts above a checkpoint that nobody has",
    exposedBy: "a liar's view-change with a checkpoint of its own making",
    patches: [
      {
        file: FILES.viewChange,
        find: `    const problem = proofProblem(replica, stableProof, "stable");\n    if (problem !== undefined) return problem;\n`,
        replace: `    proofProblem(replica, stableProof, "stable");\n`,
      },
    ],
  },
  {
    id: "votes-after-view-change",
    wrong: "After its view-change has left, a replica goes on voting in the old view.",
    breaks: "agreement: what commits then is in no view-change",
    exposedBy: "votes that cross a view change",
    source:
      "OSDI '99 §4.4: it stops accepting messages other than checkpoint, view-change, new-view",
    patches: [
      {
        file: FILES.viewChange,
        find: "  if (view !== replica.view) for (const slot of replica.slots.values()) leaveView(slot);\n",
        replace: `  if (activity === "active") for (const slot of replica.slots.values()) leaveView(slot);\n`,
      },
      {
        file: FILES.normalCase,
        find: `  if (vote.view !== replica.view) return "other-view";\n`,
        replace:
          "  const left = !replica.viewActive && vote.view === replica.view - 1;\n" +
          `  if (vote.view !== replica.view && !left) return "other-view";\n`,
      },
      {
        file: FILES.normalCase,
        find: "  if (!replica.viewActive || !mayVote(replica) || proposal === undefined) return;\n",
        replace: "  if (!mayVote(replica) || proposal === undefined) return;\n",
      },
    ],
  },
  {
    id: "fetched-view-change-unchecked",
    wrong: "A view-change that was fetched is believed without a check.",
    breaks: "agreement: what committed is lost",
    exposedBy: "a primary that names view-changes it made up, and serves them",
    patches: [
      {
        file: FILES.newView,
        find:
          "    if (viewChangeProblem(replica, viewChange) !== undefined) {\n" +
          `      return refuse(replica, pending.message, "invalid-view-change", out);\n    }\n`,
        replace: "",
      },
    ],
  },
  {
    id: "recovers-into-old-view",
    wrong: "After a restart a replica is in the view that it had left with its view-change.",
    breaks: "agreement: it votes in a view after asking for a later one",
    exposedBy: "a crash during a view change",
    patches: [
      {
        file: FILES.recovery,
        find: "      replica.view = record.message.view;\n      replica.viewActive = false;\n      replica.progressed = false;\n",
        replace: "      replica.progressed = false;\n",
      },
    ],
  },
  {
    id: "new-view-not-kept",
    wrong: "A new-view is not in the log: after a restart nothing binds to what it proposed.",
    breaks: "durability of votes",
    exposedBy: "a crash right after entering a view",
    patches: [
      {
        file: FILES.newView,
        find: `  out.persist({ kind: "new-view", message, viewChanges: viewChanges.map((one) => one.message) });\n`,
        replace: "",
      },
    ],
  },
  {
    id: "new-view-reuses-seqs",
    wrong: "The new primary numbers its proposals without regard to those of its new-view.",
    breaks: "agreement: two proposals for one view and seq",
    exposedBy: "a view change with prepared batches",
    patches: [
      {
        file: FILES.newView,
        find: "  replica.nextSeq = Math.max(last, plan.minSeq, replica.executedSeq, replica.stable.seq) + 1;\n",
        replace: "  replica.nextSeq = Math.max(last * 0, plan.minSeq, replica.executedSeq) + 1;\n",
      },
    ],
  },
];

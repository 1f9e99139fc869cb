// Mistakes in the normal case: ordering, votes, execution.

import { FILES, type Mutant } from "./mutant.js";

export const NORMAL_CASE: readonly Mutant[] = [
  {
    id: "quorum-2f",
    wrong: "Quorums are of 2f, so that two of them need not share a correct replica.",
    breaks: "agreement",
    exposedBy: "a partition into halves while lost replies make clients ask both of them",
    source: "OSDI '99 §3: why n = 3f+1 and quorums of 2f+1",
    real: { suite: "halves", options: ["--nemesis", "halves,loss"] },
    patches: [
      {
        file: FILES.quorum,
        find: "return 2 * faultsTolerated(n) + 1;",
        replace: "return 2 * faultsTolerated(n); // of 2f+1",
      },
      {
        file: FILES.quorum,
        find: "return 2 * faultsTolerated(n);\n",
        replace: "return 2 * faultsTolerated(n) - 1;\n",
      },
    ],
  },
  {
    id: "prepares-2f-1",
    wrong: "A slot counts as prepared with one prepare too few.",
    breaks: "agreement",
    exposedBy: "an equivocating primary, or a view change that misses the certificate",
    patches: [
      {
        file: FILES.quorum,
        find: "return 2 * faultsTolerated(n);\n",
        replace: "return 2 * faultsTolerated(n) - 1;\n",
      },
    ],
  },
  {
    id: "commits-f1",
    wrong: "A batch counts as committed with f+1 commits.",
    breaks: "agreement",
    exposedBy: "a view change that replicas without the certificate decide",
    patches: [
      {
        file: FILES.normalCase,
        find: "    quorumOf(replica.config.n),\n    (vote) => voteHolds",
        replace: "    quorumOf(replica.config.n) - replica.f,\n    (vote) => voteHolds",
      },
    ],
  },
  {
    id: "prepare-of-primary",
    wrong: "The primary's prepare counts beside its pre-prepare, so it votes twice.",
    breaks: "agreement: two batches prepare in one view and seq",
    exposedBy: "an equivocating primary that also sends prepares",
    source: "OSDI '99 §4.2: 2f prepares from different backups",
    patches: [
      {
        file: FILES.normalCase,
        find: `  if (vote.replica === primary(replica)) return ignored("vote-of-primary");\n`,
        replace: "",
      },
      {
        file: FILES.certificate,
        find: `    if (prepare.replica === primary) return "prepare-of-primary";\n`,
        replace: "",
      },
    ],
  },
  {
    id: "votes-per-message",
    wrong: "Votes are counted for each message instead of for each replica.",
    breaks: "agreement",
    exposedBy: "duplicated or resent votes",
    patches: [
      {
        file: FILES.slot,
        find: "  if (votes.has(vote.replica)) return false;\n  votes.set(vote.replica, { vote, verified });",
        replace:
          "  const key = votes.has(vote.replica) ? vote.replica + 256 * votes.size : vote.replica;\n" +
          "  votes.set(key, { vote, verified });",
      },
    ],
  },
  {
    id: "vote-digest-unchecked",
    wrong: "Prepares count whatever digest they name.",
    breaks: "agreement",
    exposedBy: "an equivocating primary, or a backup that votes for something else",
    patches: [
      {
        file: FILES.normalCase,
        find: "  const prepares = gatherVotes(\n    slot.prepares,\n",
        replace:
          "  const relabelled = new Map(\n" +
          "    [...slot.prepares].map(([voter, { vote }]) => [\n" +
          "      voter,\n" +
          "      { vote: { ...vote, digest }, verified: voteHolds(replica, vote) },\n" +
          "    ]),\n" +
          "  );\n" +
          "  const prepares = gatherVotes(\n    relabelled,\n",
      },
    ],
  },
  {
    id: "commit-digest-unchecked",
    wrong: "Commits count whatever digest they name.",
    breaks: "agreement",
    exposedBy: "an equivocating primary, or a backup that votes for something else",
    patches: [
      {
        file: FILES.normalCase,
        find: "  const commits = gatherVotes(\n    slot.commits,\n",
        replace:
          "  const { digest } = proposal;\n" +
          "  const relabelled = new Map(\n" +
          "    [...slot.commits].map(([voter, { vote }]) => [\n" +
          "      voter,\n" +
          "      { vote: { ...vote, digest }, verified: voteHolds(replica, vote) },\n" +
          "    ]),\n" +
          "  );\n" +
          "  const commits = gatherVotes(\n    relabelled,\n",
      },
    ],
  },
  {
    id: "pre-prepare-of-backup",
    wrong: "A pre-prepare counts with the signature of any replica.",
    breaks: "agreement: a backup proposes beside the primary",
    exposedBy: "a backup that proposes",
    patches: [
      {
        file: FILES.certificate,
        find: "  if (!replica.keyring.verify(principal, bytes, signature)) return false;\n",
        replace:
          "  const signers = [principal, ...replica.others, replica.id];\n" +
          "  if (!signers.some((one) => replica.keyring.verify(one, bytes, signature))) return false;\n",
      },
    ],
  },
  {
    id: "latest-pre-prepare-wins",
    wrong: "A second pre-prepare for a slot replaces the first, and is voted for, too.",
    breaks: "one vote for each view and seq",
    exposedBy: "an equivocating primary that changes its mind",
    source: "OSDI '99 §4.2: it has not accepted a pre-prepare for v and n with another digest",
    patches: [
      {
        file: FILES.normalCase,
        find: "if (slot.proposal !== undefined) return onRepeatedPrePrepare(replica, slot, message, out);",
        replace:
          "if (slot.proposal?.digest === message.digest) {\n" +
          "    return onRepeatedPrePrepare(replica, slot, message, out);\n" +
          "  }\n" +
          "  slot.prepares.delete(replica.id);",
      },
    ],
  },
  {
    id: "old-view-votes",
    wrong: "Votes of earlier views count in the present one.",
    breaks: "agreement",
    exposedBy: "old messages, replayed or late, after a view change",
    patches: [
      {
        file: FILES.normalCase,
        find: `  if (vote.view !== replica.view) return "other-view";\n`,
        replace: `  if (vote.view > replica.view) return "other-view";\n`,
      },
    ],
  },
  {
    id: "old-view-pre-prepares",
    wrong: "Pre-prepares of earlier views are accepted and voted for.",
    breaks: "no votes in a view that was left",
    exposedBy: "late pre-prepares after a view change",
    patches: [
      {
        file: FILES.normalCase,
        find: `  if (message.view !== replica.view) return ignored("other-view");\n`,
        replace: `  if (message.view > replica.view) return ignored("other-view");\n`,
      },
    ],
  },
  {
    id: "early-votes-by-seq",
    wrong: "What arrives while a new-view is awaited is kept by its seq only, whatever its view.",
    breaks: "agreement",
    exposedBy: "late votes of the old view during a view change",
    patches: [
      {
        file: FILES.normalCase,
        find: `  if (vote.view !== replica.view) return "other-view";\n`,
        replace: `  if (replica.viewActive && vote.view !== replica.view) return "other-view";\n`,
      },
    ],
  },
  {
    id: "commit-without-prepared",
    wrong: "A replica commits as soon as it has the pre-prepare.",
    breaks: "agreement: what committed can be lost in a view change",
    exposedBy: "a view change right after the commit",
    source: "OSDI '99 §4.2: the commit says prepared(m, v, n, i)",
    patches: [
      {
        file: FILES.normalCase,
        find: "    preparesNeeded(replica.config.n),\n    (vote)",
        replace: "    Math.min(0, preparesNeeded(replica.config.n)),\n    (vote)",
      },
    ],
  },
  {
    id: "execution-across-gap",
    wrong: "A batch executes though the one before it has not committed.",
    breaks: "agreement",
    exposedBy: "several batches outstanding, committed out of order",
    patches: [
      {
        file: FILES.execution,
        find: "  const slot = replica.slots.get(replica.executedSeq + 1);\n",
        replace:
          "  const next = replica.slots.get(replica.executedSeq + 1);\n" +
          "  const after = replica.slots.get(replica.executedSeq + 2);\n" +
          "  const slot = next?.committed === undefined ? after : next;\n",
      },
      {
        file: FILES.machine,
        find: "assert(seq === this.seq + 1,",
        replace: "assert(seq > this.seq,",
      },
    ],
  },
  {
    id: "high-watermark-ignored",
    wrong: "Nothing is above the high watermark.",
    breaks: "bounded memory",
    exposedBy: "a liar that votes for far seqs",
    source: "OSDI '99 §4.2: a faulty primary must not exhaust the space of sequence numbers",
    patches: [
      {
        file: FILES.state,
        find: "return seq > lowWatermark(replica) && seq <= highWatermark(replica);",
        replace: "return seq > lowWatermark(replica) && highWatermark(replica) > 0;",
      },
    ],
  },
  {
    id: "low-watermark-ignored",
    wrong: "A slot below the stable checkpoint can be voted on again.",
    breaks: "one vote for each view and seq",
    exposedBy: "old or contradicting pre-prepares after a checkpoint",
    patches: [
      {
        file: FILES.state,
        find: "return seq > lowWatermark(replica) && seq <= highWatermark(replica);",
        replace: "return seq > 0 && seq <= highWatermark(replica);",
      },
    ],
  },
  {
    id: "primary-passes-high-watermark",
    wrong: "The primary proposes above the high watermark.",
    breaks: "the watermarks: no backup may follow, and nothing goes on",
    exposedBy: "checkpoints that become stable late",
    patches: [
      {
        file: FILES.normalCase,
        find: "  if (replica.nextSeq > highWatermark(replica)) return false;\n",
        replace: "  if (replica.nextSeq > 2 * highWatermark(replica)) return false;\n",
      },
    ],
  },
];

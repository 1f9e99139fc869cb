// Mistakes in checkpoints, state transfer and what the state's digest covers.

import { FILES, type Mutant, PAPER_BANK, type Patch } from "./mutant.js";

/** The checkpoint's digest covers the sessions (and so the replies), and nothing of the bank. */
export const DIGEST_WITHOUT_BANK: readonly Patch[] = [
  {
    file: FILES.ledgerState,
    find: "      accountCount: this.#accountTrie.itemCount,\n",
    replace: "      accountCount: 0,\n",
  },
  {
    file: FILES.ledgerState,
    find: "      entryCount: this.pages.entryCount,\n      chain: this.chain,\n",
    replace: "      entryCount: 0,\n      chain: CHAIN_START,\n",
  },
  {
    file: FILES.ledgerState,
    find: "      accounts: this.#accountTrie.digest(),\n",
    replace: "      accounts: this.#sessionTrie.digest(),\n",
  },
  {
    file: FILES.ledgerState,
    find: "      entries: this.pages.digest(),\n",
    replace: "      entries: this.#sessionTrie.digest(),\n",
  },
];

/** State transfer replaces the sessions and the seq; accounts and entries stay what they are here. */
export const TRANSFER_WITHOUT_BANK: readonly Patch[] = [
  {
    file: FILES.restore,
    find: "const base = this.#base(differing < 0 ? pages.length : differing);",
    replace:
      "const base = differing < -1 ? this.#base(0) : { ...this.#store.load(), sessions: [], seq: -1 };",
  },
  {
    file: FILES.restore,
    find: "this.#leaves(root.root.accounts)",
    replace: "new Array<Digest>()",
  },
  {
    file: FILES.restore,
    find: "pages.slice(pageDigests.length).entries()",
    replace: "pages.slice(pages.length).entries()",
  },
];

/** The digest covers the bank, and not who asked last and was told what. */
const DIGEST_WITHOUT_SESSIONS: readonly Patch[] = [
  {
    file: FILES.ledgerState,
    find: "      sessionCount: this.#sessionTrie.itemCount,\n",
    replace: "      sessionCount: 0,\n",
  },
  {
    file: FILES.ledgerState,
    find: "      sessions: this.#sessionTrie.digest(),\n",
    replace: "      sessions: this.#accountTrie.digest(),\n",
  },
  {
    file: FILES.restore,
    find: "this.#leaves(root.root.sessions)",
    replace: "new Array<Digest>()",
  },
];

export const CHECKPOINT: readonly Mutant[] = [
  {
    id: "bank-outside-state",
    wrong: "State transfer moves the sessions and the seq: everything except the money.",
    breaks: "agreement",
    exposedBy: "a replica that misses so much that it must fetch the state",
    source: PAPER_BANK,
    real: { suite: "kill-f", options: [] },
    patches: [...DIGEST_WITHOUT_BANK, ...TRANSFER_WITHOUT_BANK],
  },
  {
    id: "sessions-outside-state",
    wrong: "State transfer moves the bank, and forgets whose requests were executed.",
    breaks: "durability (exactly once)",
    exposedBy: "a transfer, and then a client that asks again",
    patches: DIGEST_WITHOUT_SESSIONS,
  },
  {
    id: "stale-replies-after-transfer",
    wrong: "After a transfer the cached replies are those from before it.",
    breaks: "durability (exactly once)",
    exposedBy: "a transfer, and then a client that asks again",
    patches: [
      ...DIGEST_WITHOUT_SESSIONS,
      {
        file: FILES.restore,
        find: "    const state = new LedgerState(this.#store, base);\n",
        replace:
          "    const { sessions } = this.#store.load();\n" +
          "    const state = new LedgerState(this.#store, { ...base, sessions });\n",
      },
    ],
  },
  {
    id: "stable-with-f1",
    wrong: "A checkpoint is stable with f+1 votes.",
    breaks: "progress: the log is cut while too few have the state",
    exposedBy: "view changes and crashes around a checkpoint",
    patches: [
      {
        file: FILES.checkpoint,
        find: "  const proof = proofAt(replica, seq, quorumOf(replica.config.n), out);\n",
        replace: "  const proof = proofAt(replica, seq, weakQuorumOf(replica.config.n), out);\n",
      },
    ],
  },
  {
    id: "stable-with-unequal-digests",
    wrong: "A checkpoint is stable with 2f+1 votes, whatever state they name.",
    breaks: "agreement",
    exposedBy: "a liar that signs checkpoints of its own",
    patches: [
      {
        file: FILES.checkpoint,
        find: "    byDigest.set(held.vote.digest, [...(byDigest.get(held.vote.digest) ?? []), held]);\n",
        replace: `    byDigest.set("", [...(byDigest.get("") ?? []), held]);\n`,
      },
    ],
  },
  {
    id: "log-cut-early",
    wrong: "The log is cut at what has executed, not at what is stable.",
    breaks: "agreement: certificates that a view change needs are gone after a restart",
    exposedBy: "crashes after a checkpoint, and a view change",
    patches: [
      {
        file: FILES.compaction,
        find: "  const slots = slotsAscending(replica);\n",
        replace:
          "  const slots = slotsAscending(replica).filter(({ seq }) => seq > replica.executedSeq);\n",
      },
    ],
  },
  {
    id: "digest-by-row-order",
    wrong: "The digest of the state depends on the order in which its rows came.",
    breaks: "agreement: equal states have different names",
    exposedBy: "a restart or a transfer: rows are read in another order than they were written",
    patches: [
      {
        file: FILES.trie,
        find: "    const at = place.items.findIndex(({ path }) => path >= named.path);\n",
        replace: "    const at = place.items.findIndex(({ path }) => path === named.path);\n",
      },
    ],
  },
  {
    id: "transfer-of-one-voter",
    wrong: "One replica's word for a state is enough to fetch it.",
    breaks: "progress: a liar sends a laggard after a state that nobody has",
    exposedBy: "a liar that signs a checkpoint far ahead",
    patches: [
      {
        file: FILES.checkpoint,
        find: "proofAt(replica, seq, weakQuorumOf(replica.config.n), out) ?? [];",
        replace: "proofAt(replica, seq, weakQuorumOf(replica.config.n) - replica.f, out) ?? [];",
      },
    ],
  },
  {
    id: "transfer-unproven",
    wrong: "Fetched parts of a state are taken for whatever was asked first, unhashed.",
    breaks: "agreement",
    exposedBy: "a transfer from a liar that sends wrong data",
    patches: [
      {
        file: FILES.restore,
        find: `    const digest = hash("sha256", bytes, "hex");\n`,
        replace:
          `    const hashed = hash("sha256", bytes, "hex");\n` +
          "    const [first = hashed] = this.#missing;\n" +
          "    const digest = this.#missing.has(hashed) ? hashed : first;\n",
      },
      {
        file: FILES.restore,
        find: "    if (state.digest() !== this.digest) return undefined;\n",
        replace: "    state.digest();\n",
      },
    ],
  },
  {
    id: "transfer-torn",
    wrong: "Accounts are replaced while their state is still being fetched.",
    breaks: "agreement, or progress: a crash leaves half of two states",
    exposedBy: "a crash during a transfer",
    patches: [
      {
        file: FILES.machine,
        find: `    return this.#restore?.put(bytes) ?? "unwanted";\n`,
        replace:
          `    const outcome = this.#restore?.put(bytes) ?? "unwanted";\n` +
          "    const node = decodeNode(bytes);\n" +
          `    if (outcome === "stored" && node?.kind === "accounts") {\n` +
          "      const accounts = node.accounts.map((one) => ({ ...one, entryCount: 0, lastEntry: -1 }));\n" +
          "      const none = { sessions: [], entries: [], blocks: [], pages: [] };\n" +
          "      this.#store.write({ seq: this.seq, accounts, ...none });\n" +
          "    }\n" +
          "    return outcome;\n",
      },
      {
        file: FILES.machine,
        find: `import { PAGE_ENTRIES, writeEntry, writePageHeader } from "./nodes.js";\n`,
        replace: `import { decodeNode, PAGE_ENTRIES, writeEntry, writePageHeader } from "./nodes.js";\n`,
      },
    ],
  },
  {
    id: "certificates-not-resent",
    wrong: "A replica that is behind is not sent what has committed.",
    breaks: "progress: an idle laggard never catches up",
    exposedBy: "a replica that missed the last batches before the cluster came to rest",
    patches: [
      {
        file: FILES.retransmission,
        find: "        out.send(to, slot.committed);\n",
        replace: "",
      },
    ],
  },
  {
    id: "checkpoint-proof-not-resent",
    wrong: "A replica that is behind is not told of the stable checkpoint.",
    breaks: "progress: an idle laggard never catches up",
    exposedBy: "a replica that missed a checkpoint before the cluster came to rest",
    patches: [
      {
        file: FILES.retransmission,
        find: `    out.send(to, { kind: "checkpoint-proof", replica: id, checkpoints: stable.proof });\n`,
        replace: "",
      },
      {
        file: FILES.retransmission,
        find: "    if (own !== undefined && seq > status.stableSeq) out.send(to, own.vote);\n",
        replace: "    if (own !== undefined && seq < status.stableSeq) out.send(to, own.vote);\n",
      },
    ],
  },
  {
    id: "votes-while-hollow",
    wrong: "A replica whose disk was wiped votes at once.",
    breaks: "one vote for each view and seq",
    exposedBy: "a wiped disk between two votes",
    patches: [
      {
        file: FILES.state,
        find: "  return replica.rejoin === undefined && !replica.diverged;\n",
        replace: "  return !replica.diverged;\n",
      },
    ],
  },
  {
    id: "silence-not-kept",
    wrong: "A wiped replica that crashes again forgets that it must be silent.",
    breaks: "one vote for each view and seq",
    exposedBy: "a wiped disk, and a crash after it",
    patches: [
      {
        file: FILES.recovery,
        find: "      replica.rejoin = { seq: record.seq };\n",
        replace: "      replica.rejoin = undefined;\n",
      },
    ],
  },
  {
    id: "one-source-for-ever",
    wrong: "A transfer asks the same peer again and again.",
    breaks: "progress: a dead or lying source stops it",
    exposedBy: "a transfer while the first peer is dead or sends nonsense",
    patches: [
      {
        file: FILES.stateTransfer,
        find: "    const peer = sources[(replica.fetchTurn + index) % sources.length];\n",
        replace: "    const peer = others[Math.min(index, 0) % others.length];\n",
      },
    ],
  },
  {
    id: "waiting-not-settled",
    wrong: "After a transfer a backup still waits for requests that are in the state.",
    breaks: "progress: it blames one primary after another",
    exposedBy: "a transfer while requests wait",
    patches: [
      {
        file: FILES.stateTransfer,
        find: "  settleAllWaiting(replica);\n",
        replace: "",
      },
      {
        file: FILES.stateTransfer,
        find: `import { settleAllWaiting } from "./request.js";\n`,
        replace: "",
      },
    ],
  },
  {
    id: "checkpoint-votes-unbounded",
    wrong: "Checkpoint votes are kept however many there are.",
    breaks: "bounded memory",
    exposedBy: "a liar that signs checkpoints of all seqs",
    patches: [
      {
        file: FILES.checkpoint,
        find: "  if (seqs.length < seqsMax || lowest === undefined) return;\n",
        replace: "  if (seqs.length >= 0 || lowest === undefined || seqsMax < 0) return;\n",
      },
    ],
  },
];

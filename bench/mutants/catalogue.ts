// Known-bad builds: each makes one mistake that real systems made, by replacing a few lines of the
// replica's sources. A suite that cannot tell them from the clean build proves nothing.

/** `find` occurs exactly once in `file` (a path below the project's root). */
export type Patch = { file: string; find: string; replace: string };

export type Mutant = {
  id: string;
  title: string;
  /** What the build does wrong, in one sentence. */
  wrong: string;
  /** The claim that no longer holds. */
  breaks: string;
  /** What has to happen for it to show. */
  exposedBy: string;
  /** The suite that should catch it, and the options it needs to. */
  suite: string;
  options: readonly string[];
  /** Where the mistake was made, or described. */
  source?: string;
  patches: readonly Patch[];
};

const STATE = "node/ledger/state.ts";
const RESTORE = "node/ledger/restore.ts";
const SQLITE_STORE = "node/ledger/sqlite-store.ts";
const MACHINE = "node/ledger/machine.ts";
const QUORUM = "node/core/quorum.ts";
const REQUEST = "node/core/request.ts";
const DRIVER = "node/runtime/driver.ts";
const REPLICA_ASSEMBLY = "node/runtime/replica-assembly.ts";
const SESSION = "node/client/session.ts";

/** The checkpoint's digest covers the sessions (and so the replies), and nothing of the bank. */
const DIGEST_WITHOUT_BANK: readonly Patch[] = [
  {
    file: STATE,
    find: "      accountCount: this.#accountTrie.itemCount,\n",
    replace: "      accountCount: 0,\n",
  },
  {
    file: STATE,
    find: "      entryCount: this.pages.entryCount,\n      chain: this.chain,\n",
    replace: "      entryCount: 0,\n      chain: CHAIN_START,\n",
  },
  {
    file: STATE,
    find: "      accounts: this.#accountTrie.digest(),\n",
    replace: "      accounts: this.#sessionTrie.digest(),\n",
  },
  {
    file: STATE,
    find: "      entries: this.pages.digest(),\n",
    replace: "      entries: this.#sessionTrie.digest(),\n",
  },
];

/** State transfer replaces the sessions and the seq; accounts and entries stay what they are here. */
const TRANSFER_WITHOUT_BANK: readonly Patch[] = [
  {
    file: RESTORE,
    find: "const base = this.#base(differing < 0 ? pages.length : differing);",
    replace:
      "const base = differing < -1 ? this.#base(0) : { ...this.#store.load(), sessions: [], seq: -1 };",
  },
  {
    file: RESTORE,
    find: "this.#leaves(root.root.accounts)",
    replace: "new Array<Digest>()",
  },
  {
    file: RESTORE,
    find: "pages.slice(pageDigests.length).entries()",
    replace: "pages.slice(pages.length).entries()",
  },
];

const PAPER =
  "the replicated bank of the course paper (its bank is a MySQL beside the replica's state)";

export const MUTANTS: readonly Mutant[] = [
  {
    id: "bank-outside-state",
    title: "The bank lies outside the checkpointed state",
    wrong: "State transfer moves the sessions and the seq: everything except the money.",
    breaks: "agreement",
    exposedBy: "a replica that misses so much that it must fetch the state",
    suite: "kill-f",
    options: [],
    source: PAPER,
    patches: [...DIGEST_WITHOUT_BANK, ...TRANSFER_WITHOUT_BANK],
  },
  {
    id: "executed-again",
    title: "Requests are executed again after a restart",
    wrong:
      "The bank is durable at once, the seq and the sessions at the checkpoint only, so a restarted " +
      "replica executes the requests since then a second time.",
    breaks: "durability (exactly once)",
    exposedBy: "SIGKILL and restart between two checkpoints",
    suite: "crash-recover",
    options: [],
    source: PAPER,
    patches: [
      ...DIGEST_WITHOUT_BANK,
      ...TRANSFER_WITHOUT_BANK,
      {
        file: SQLITE_STORE,
        find: "    for (const { client, reply } of changes.sessions) {\n",
        replace:
          "    this.#volatile.push({ ...changes, sessions: [...changes.sessions] });\n" +
          "  }\n\n" +
          "  readonly #volatile: Changes[] = [];\n\n" +
          "  #writeVolatile(changes: Changes): void {\n" +
          "    const { session, meta } = this.#statements;\n" +
          "    for (const { client, reply } of changes.sessions) {\n",
      },
      {
        file: SQLITE_STORE,
        find: "const { account, entry, session, block, page, meta } = this.#statements;",
        replace: "const { account, entry, block, page } = this.#statements;",
      },
      {
        file: SQLITE_STORE,
        find: `    assert(!this.#db.inTransaction, "sync inside a transaction");\n`,
        replace:
          "    this.#begin();\n" +
          "    for (const changes of this.#volatile.splice(0)) this.#writeVolatile(changes);\n" +
          "    this.commit();\n",
      },
      {
        file: SQLITE_STORE,
        find: `db.prepare("INSERT INTO block VALUES`,
        replace: `db.prepare("INSERT OR REPLACE INTO block VALUES`,
      },
    ],
  },
  {
    id: "quorum-2f",
    title: "Quorums of 2f",
    wrong: "Certificates need one vote too few, so two quorums need not share a correct replica.",
    breaks: "agreement",
    exposedBy: "a partition into halves while lost replies make clients ask both of them",
    suite: "halves",
    options: ["--nemesis", "halves,loss"],
    source: "OSDI '99 §3: why n = 3f+1 and quorums of 2f+1",
    patches: [
      {
        file: QUORUM,
        find: "return 2 * faultsTolerated(n) + 1;",
        replace: "return 2 * faultsTolerated(n); // of 2f+1",
      },
      {
        file: QUORUM,
        find: "return 2 * faultsTolerated(n);\n",
        replace: "return 2 * faultsTolerated(n) - 1;\n",
      },
    ],
  },
  {
    id: "votes-forgotten",
    title: "Votes are forgotten at a restart",
    wrong:
      "After a crash a replica knows its stable checkpoint and none of the votes it cast since.",
    breaks: "durability",
    exposedBy: "a power failure while the others have executed what the primary has yet to learn",
    suite: "power-failure",
    options: [
      ...["--nemesis", "power-failure,slow-primary", "--nemesis-interval", "1.2"],
      ...["--time-limit", "15", "--concurrency", "16"],
    ],
    patches: [
      {
        file: REPLICA_ASSEMBLY,
        find: "const recovery = recover(replica, content.records);",
        replace:
          'const kept = content.records.filter(({ kind }) => kind === "stable");\n' +
          "  const recovery = recover(replica, kept);",
      },
    ],
  },
  {
    id: "reply-before-durable",
    title: "Replies leave before anything is durable",
    wrong: "Log records and the ledger's transaction wait in memory and are written 200 ms late.",
    breaks: "durability",
    exposedBy: "a power failure of the whole cluster",
    suite: "power-failure",
    options: [],
    patches: [
      {
        file: DRIVER,
        find: "  /** Whether one of them must be durable before the turn's messages leave. */\n",
        replace: "  #writtenAt = 0;\n",
      },
      {
        file: DRIVER,
        find: "    if (this.#mustSync || compaction !== undefined) {\n",
        replace:
          "    const due = performance.now() - this.#writtenAt > 200;\n" +
          "    if (due || this.#stopped || compaction !== undefined) {\n" +
          "      this.#writtenAt = performance.now();\n",
      },
      {
        file: DRIVER,
        find: "    } else {\n      stateMachine.commit();\n    }\n",
        replace: "    }\n",
      },
    ],
  },
  {
    id: "no-deduplication",
    title: "Client timestamps are not deduplicated",
    wrong: "A request that comes again, because its replies were lost, is executed again.",
    breaks: "durability (exactly once)",
    exposedBy: "lost replies: the client retransmits",
    suite: "lossy",
    options: [],
    source: "OSDI '99 §4.1: timestamps ensure exactly-once semantics",
    patches: [
      {
        file: REQUEST,
        find: "if (last !== undefined && request.timestamp <= last.timestamp) {",
        replace: "if (last !== undefined && request.timestamp < last.timestamp) {",
      },
      {
        file: MACHINE,
        find: "if (last !== undefined && timestamp <= last.timestamp) {",
        replace: "if (last !== undefined && timestamp < last.timestamp) {",
      },
    ],
  },
  {
    id: "local-reads",
    title: "Reads are answered from one replica's own state",
    wrong: "A balance is read without ordering it, and the client believes the first replica.",
    breaks: "linearizable",
    exposedBy: "a replica that is behind when it is asked",
    suite: "lossy",
    options: [],
    source: "the stale reads that Jepsen found in etcd 0.4 and Consul 0.3, 2014",
    patches: [
      {
        file: REPLICA_ASSEMBLY,
        find: "    step: (input) => step(replica, input),\n",
        replace:
          "    step: (input) => {\n" +
          '      const read = input.kind === "message" ? input.message : undefined;\n' +
          '      if (input.kind !== "message" || read?.kind !== "request") return step(replica, input);\n' +
          "      const operation = decodeOperation(read.operation);\n" +
          '      if (operation?.kind !== "balance") return step(replica, input);\n' +
          "      const [row] = stateMachine.accounts([operation.account]);\n" +
          "      if (row === undefined) return step(replica, input);\n" +
          "      const { client, timestamp } = read;\n" +
          '      const result = encodeResult({ kind: "balance", balance: row.balance });\n' +
          "      const { seq } = stateMachine;\n" +
          "      const { view } = replica;\n" +
          '      const reply = { kind: "reply" as const, view, client, timestamp, replica: own.id, seq, result };\n' +
          '      return [{ kind: "send", to: [input.from], message: reply }];\n' +
          "    },\n",
      },
      {
        file: REPLICA_ASSEMBLY,
        find: `import type { LedgerMachine } from "../ledger/machine.js";\n`,
        replace:
          `import type { LedgerMachine } from "../ledger/machine.js";\n` +
          `import { decodeOperation } from "../ledger/operation.js";\n` +
          `import { encodeResult } from "../ledger/result.js";\n`,
      },
      {
        file: SESSION,
        find: "if (same.length < weakQuorumOf(session.options.n)) return [];",
        replace:
          "const isRead = outstanding.request.operation[0] === 5;\n" +
          "  if (same.length < (isRead ? 1 : weakQuorumOf(session.options.n))) return [];",
      },
    ],
  },
];

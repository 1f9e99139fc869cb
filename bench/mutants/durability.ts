// Mistakes in what is on disk before something is promised, and in what a restart makes of it.

import { DIGEST_WITHOUT_BANK, TRANSFER_WITHOUT_BANK } from "./checkpoint.js";
import { FILES, type Mutant, PAPER_BANK } from "./mutant.js";

const POWER_FAILURE = { suite: "power-failure", options: [] };
/** Of all machines at once, and nothing that was not synced is left. */
const POWER_CUT = {
  suite: "power-cut",
  options: ["--nemesis", "power-cut-all", "--time-limit", "12"],
};

export const DURABILITY: readonly Mutant[] = [
  {
    id: "votes-forgotten",
    wrong: "After a crash a replica knows its stable checkpoint and none of its votes since.",
    breaks: "durability",
    exposedBy: "a power failure while the others have executed what the primary has yet to learn",
    real: {
      suite: "power-failure",
      options: [
        ...["--nemesis", "power-failure,slow-primary", "--nemesis-interval", "1.2"],
        ...["--time-limit", "15", "--concurrency", "16"],
      ],
    },
    patches: [
      {
        file: FILES.assembly,
        find: "const recovery = recover(replica, content.records);",
        replace:
          'const kept = content.records.filter(({ kind }) => kind === "stable");\n' +
          "  const recovery = recover(replica, kept);",
      },
    ],
  },
  {
    id: "vote-not-kept",
    wrong: "A backup's prepare leaves without a record of it.",
    breaks: "one vote for each view and seq",
    exposedBy: "a crash after a prepare, and another proposal for the slot",
    patches: [
      {
        file: FILES.normalCase,
        find: "    else logVotedProposal(replica, message, out);\n",
        replace: "",
      },
    ],
  },
  {
    id: "proposal-not-kept",
    wrong: "A primary proposes without a record of it.",
    breaks: "one proposal for each view and seq",
    exposedBy: "a crash of the primary after a proposal",
    patches: [
      {
        file: FILES.normalCase,
        find: "  logVotedProposal(replica, message, out);\n  out.broadcast(message);\n",
        replace: "  out.broadcast(message);\n",
      },
    ],
  },
  {
    id: "forgotten-vote-cast",
    wrong: "After a crash a backup votes where votes of its own may have run ahead of its log.",
    breaks: "one vote for each view and seq",
    exposedBy: "a crash after a prepare that ran ahead, and the slot's proposal once more",
    patches: [
      {
        file: FILES.normalCase,
        find: "  if (votes && mayHaveVoted(replica, slot.seq)) slot.abstained = true;\n",
        replace:
          "  if (votes && !replica.viewActive && mayHaveVoted(replica, slot.seq)) {\n" +
          "    slot.abstained = true;\n  }\n",
      },
    ],
  },
  {
    id: "primary-does-not-resign",
    wrong:
      "After a crash a primary goes on where proposals of its own may have run ahead of its log.",
    breaks: "one proposal for each view and seq",
    exposedBy: "a crash of the primary after a proposal that ran ahead",
    patches: [
      {
        file: FILES.votesAhead,
        find: "  if (!mayHaveVoted(replica, replica.nextSeq)) return;\n",
        replace: "  if (!mayHaveVoted(replica, replica.nextSeq) || replica.viewActive) return;\n",
      },
    ],
  },
  {
    id: "abstention-read-as-vote",
    wrong: "A restart takes a proposal from which it had abstained for one that it voted for.",
    breaks: "one vote for each view and seq",
    exposedBy: "two crashes, and between them a proposal where a vote may have run ahead",
    patches: [
      {
        file: FILES.recovery,
        find: "      replayPrePrepare(replica, record.message, true);\n",
        replace: "      replayPrePrepare(replica, record.message, false);\n",
      },
    ],
  },
  {
    id: "forgotten-votes-cut",
    wrong:
      "A log that is cut at a checkpoint no longer says how far forgotten votes may have gone.",
    breaks: "one vote for each view and seq",
    exposedBy: "a crash, a checkpoint and a crash within a few seqs",
    patches: [
      {
        file: FILES.votesAhead,
        find: "votesForgotten?.view === view ? votesForgotten.seq : 0;\n",
        replace: "votesForgotten?.view === view ? Math.min(votesForgotten.seq, 0) : 0;\n",
      },
    ],
  },
  {
    id: "votes-ahead-unbounded",
    wrong: "Votes run ahead of the log as far as the window goes.",
    breaks: "durability of votes",
    exposedBy: "a backup that hears proposals faster than prepares",
    patches: [
      {
        file: FILES.votesAhead,
        find: "votesLogged?.view === message.view && message.seq <= votesLogged.seq + VOTES_AHEAD_MAX",
        replace: "votesLogged?.view === message.view",
      },
    ],
  },
  {
    id: "commit-not-kept",
    wrong: "A commit leaves without a record of the certificate behind it.",
    breaks: "agreement: the certificate is missing in the next view-change",
    exposedBy: "crashes after commits, and a view change",
    patches: [
      {
        file: FILES.normalCase,
        find: `  out.persist({ kind: "prepared", certificate: slot.prepared });\n`,
        replace: "",
      },
    ],
  },
  {
    id: "view-not-kept",
    wrong: "A view-change leaves without a record of it.",
    breaks: "agreement: after a restart it votes in the view that it had left",
    exposedBy: "a crash during a view change",
    patches: [
      {
        file: FILES.viewChange,
        find: `  out.persist({ kind: "view-change", message } satisfies LogRecord);\n`,
        replace: "",
      },
      {
        file: FILES.viewChange,
        find: `import type { LogRecord } from "./log.js";\n`,
        replace: "",
      },
    ],
  },
  {
    id: "sent-before-durable",
    wrong: "Messages leave first, and the records behind them are written afterwards.",
    breaks: "durability of votes",
    exposedBy: "a power failure, or a disk that fails, between the two",
    patches: [
      {
        file: FILES.driver,
        find: "    const { log, stateMachine, transport } = this.#options;\n",
        replace:
          "    const { log, stateMachine, transport } = this.#options;\n" +
          "    for (const [to, messages] of this.#outbox) transport.send(to, messages);\n" +
          "    this.#outbox = new Map();\n",
      },
    ],
  },
  {
    id: "reply-before-durable",
    wrong: "Log records and the ledger's transaction wait in memory and are written 200 ms late.",
    breaks: "durability",
    exposedBy: "a power failure of the whole cluster",
    real: POWER_FAILURE,
    patches: [
      {
        file: FILES.driver,
        find: "  /** Whether one of them must be durable before the turn's messages leave. */\n",
        replace: "  #writtenAt = 0;\n",
      },
      {
        file: FILES.driver,
        find: "    if (this.#mustSync || compaction !== undefined) {\n",
        replace:
          "    const now = this.#options.clock.now();\n" +
          "    const due = now - this.#writtenAt > 200;\n" +
          "    if (due || this.#stopped || compaction !== undefined) {\n" +
          "      this.#writtenAt = now;\n",
      },
      {
        file: FILES.driver,
        find: "    stateMachine.commit();\n  }\n",
        replace: "    if (due || this.#stopped) stateMachine.commit();\n  }\n",
      },
    ],
  },
  {
    id: "fsync-left-out",
    wrong: "The log is written and not synced.",
    breaks: "durability of votes",
    exposedBy: "a power cut",
    source: "the weak default of many stores; Jepsen's lazyfs reports",
    real: POWER_CUT,
    patches: [
      {
        file: FILES.logFile,
        find: "      this.#disk.syncData(this.#file.fd);\n",
        replace: "",
      },
    ],
  },
  {
    id: "compaction-not-synced",
    wrong: "A compacted log takes the old one's place before it is on the disk.",
    breaks: "durability of votes",
    exposedBy: "a power cut after a compaction",
    patches: [
      {
        file: FILES.logFile,
        find: "      disk.syncData(file.fd);\n",
        replace: "",
      },
    ],
  },
  {
    id: "log-cut-before-ledger-durable",
    wrong: "The log is cut before the ledger is durable.",
    breaks: "durability",
    exposedBy: "a power cut after a checkpoint",
    real: POWER_CUT,
    patches: [
      {
        file: FILES.driver,
        find: "      stateMachine.sync();\n      const kept",
        replace: "      const kept",
      },
    ],
  },
  {
    id: "compaction-drops-newer",
    wrong: "A compaction drops the records that came behind it in the same turn.",
    breaks: "durability of votes",
    exposedBy: "a crash after a turn in which a checkpoint became stable and votes were cast",
    patches: [
      {
        file: FILES.driver,
        find: "      log.replace([...kept, ...records.slice(compaction.replaced)]);\n",
        replace: "      log.replace(kept);\n",
      },
    ],
  },
  {
    id: "torn-tail-accepted",
    wrong: "The last group of a log counts though its checksum does not hold.",
    breaks: "recovery: half a record is read as one",
    exposedBy: "a torn last write",
    patches: [
      {
        file: FILES.logFile,
        find: "  return found.readUInt32BE(8) === checksum(salt, found) ? length : undefined;\n",
        replace: "  return checksum(salt, found) >= 0 ? length : undefined;\n",
      },
    ],
  },
  {
    id: "damage-read-as-end",
    wrong: "A damaged group in the middle of the log is taken for its end.",
    breaks: "one vote for each view and seq: what is behind it is forgotten",
    exposedBy: "a flipped bit in the log, and a restart",
    patches: [
      {
        file: FILES.logFile,
        find: "  refuseDamage(path, bytes, end, salt, groups);\n",
        replace: "  if (groups < 0) refuseDamage(path, bytes, end, salt, groups);\n",
      },
    ],
  },
  {
    id: "executed-again",
    wrong:
      "The bank is durable at once, the seq and the sessions at the checkpoint only, so a restarted " +
      "replica executes the requests since then a second time.",
    breaks: "durability (exactly once)",
    exposedBy: "SIGKILL and restart between two checkpoints",
    source: PAPER_BANK,
    real: { suite: "crash-recover", options: [] },
    patches: [
      ...DIGEST_WITHOUT_BANK,
      ...TRANSFER_WITHOUT_BANK,
      {
        file: FILES.sqliteStore,
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
        file: FILES.sqliteStore,
        find: "const { account, entry, session, block, page, meta } = this.#statements;",
        replace: "const { account, entry, block, page } = this.#statements;",
      },
      {
        file: FILES.sqliteStore,
        find: `    assert(!this.#db.inTransaction, "sync inside a transaction");\n`,
        replace:
          "    this.#begin();\n" +
          "    for (const changes of this.#volatile.splice(0)) this.#writeVolatile(changes);\n" +
          "    this.commit();\n",
      },
      {
        file: FILES.sqliteStore,
        find: `db.prepare("INSERT INTO block VALUES`,
        replace: `db.prepare("INSERT OR REPLACE INTO block VALUES`,
      },
      {
        file: FILES.memoryStore,
        find:
          "    for (const session of changes.sessions) {\n" +
          "      this.#keep(newest?.sessions, session.client, tables.sessions);\n" +
          "      this.#set(tables.sessions, session.client, { ...session });\n    }\n",
        replace:
          "    this.#volatile.push({ seq: changes.seq, sessions: [...changes.sessions] });\n",
      },
      {
        file: FILES.memoryStore,
        find: "    tables.seq = changes.seq;\n",
        replace: "",
      },
      {
        file: FILES.memoryStore,
        find: "  #committedUndos = 0;\n\n",
        replace:
          "  #committedUndos = 0;\n" +
          "  #volatile: { seq: Seq; sessions: Session[] }[] = [];\n\n" +
          "  #writeVolatile(): void {\n" +
          "    const tables = this.#tables;\n" +
          "    for (const { seq, sessions } of this.#volatile.splice(0)) {\n" +
          "      tables.seq = seq;\n" +
          "      for (const session of sessions) tables.sessions.set(session.client, { ...session });\n" +
          "    }\n" +
          "  }\n\n",
      },
      {
        file: FILES.memoryStore,
        find: `    assert(this.#committedUndos === this.#undo.length, "sync inside a transaction");\n`,
        replace: "    this.#writeVolatile();\n",
      },
      {
        file: FILES.memoryStore,
        find: "    const keep = what",
        replace: "    this.#volatile = [];\n    const keep = what",
      },
    ],
  },
  {
    id: "fsync-error-ignored",
    wrong: "A sync of the log that fails is taken for one that did its work.",
    breaks: "durability of votes",
    exposedBy: "EIO on fsync, and a power cut",
    source: "PostgreSQL's fsyncgate, 2018",
    patches: [
      {
        file: FILES.logFile,
        find: "      this.#disk.syncData(this.#file.fd);\n",
        replace:
          "      try {\n" +
          "        this.#disk.syncData(this.#file.fd);\n" +
          "      } catch {\n" +
          "        this.#bytes += 0; // it will be all right\n" +
          "      }\n",
      },
    ],
  },
  {
    id: "full-disk-ignored",
    wrong: "An append for which there is no space is taken for one that was written.",
    breaks: "durability of votes",
    exposedBy: "a full disk",
    patches: [
      {
        file: FILES.logFile,
        find: "      writeAllocated(this.#disk, this.#file, bytes, this.#bytes);\n",
        replace:
          "      try {\n" +
          "        writeAllocated(this.#disk, this.#file, bytes, this.#bytes);\n" +
          "      } catch (error) {\n" +
          `        if (systemCodeOf(error) !== "ENOSPC") throw error;\n` +
          "      }\n",
      },
    ],
  },
  {
    id: "wiped-as-new",
    wrong:
      "A replica whose log is gone starts as if the cluster were new: it kept its key, not its votes.",
    breaks: "one vote for each view and seq",
    exposedBy: "a wiped disk",
    patches: [
      {
        file: FILES.assembly,
        find: "    const hollow = !init;\n",
        replace: "    const hollow = init && !init;\n",
      },
    ],
  },
  {
    id: "recovery-forgets-commits",
    wrong: "After a restart a replica does not know which certificates it had.",
    breaks: "agreement: they are missing in its next view-change",
    exposedBy: "crashes, and a view change",
    patches: [
      {
        file: FILES.recovery,
        find: "      if (inWindow(replica, certificate.seq))\n        slotOf(replica, certificate.seq).prepared = certificate;\n",
        replace:
          "      if (inWindow(replica, certificate.seq)) slotOf(replica, certificate.seq);\n",
      },
    ],
  },
  {
    id: "primary-reuses-seqs",
    wrong: "After a restart the primary numbers from what it executed, not from what it proposed.",
    breaks: "one proposal for each view and seq",
    exposedBy: "a crash of the primary with a proposal outstanding",
    patches: [
      {
        file: FILES.recovery,
        find: "  const last = Math.max(executedSeq, stable.seq, ...proposed.map((slot) => slot.seq));\n",
        replace:
          "  const last = Math.max(executedSeq, stable.seq, proposed.length * 0);\n" +
          "  if (isPrimary(replica)) for (const slot of proposed) slot.proposal = undefined;\n",
      },
    ],
  },
];

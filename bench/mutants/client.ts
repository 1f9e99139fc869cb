// Mistakes of the client, and of reads.

import { FILES, type Mutant } from "./mutant.js";

/** Replicas answer balances from their own state, and the client believes `wanted` of them. */
function unorderedReads(wanted: string): Mutant["patches"] {
  return [
    {
      file: FILES.assembly,
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
      file: FILES.assembly,
      find: `import type { LedgerMachine } from "../ledger/machine.js";\n`,
      replace:
        `import type { LedgerMachine } from "../ledger/machine.js";\n` +
        `import { decodeOperation } from "../ledger/operation.js";\n` +
        `import { encodeResult } from "../ledger/result.js";\n`,
    },
    {
      file: FILES.session,
      find: "if (same.length < weakQuorumOf(session.options.n)) return [];",
      replace:
        "const isRead = outstanding.request.operation[0] === 5;\n" +
        `  if (same.length < (isRead ? ${wanted} : weakQuorumOf(session.options.n))) return [];`,
    },
  ];
}

export const CLIENT: readonly Mutant[] = [
  {
    id: "local-reads",
    wrong: "A balance is read without ordering it, and the client believes the first replica.",
    breaks: "linearizable",
    exposedBy: "a replica that is behind when it is asked",
    source: "the stale reads that Jepsen found in etcd 0.4 and Consul 0.3, 2014",
    real: { suite: "lossy", options: [] },
    patches: unorderedReads("1"),
  },
  {
    id: "reads-of-f1",
    wrong: "A balance is read without ordering it, and the client believes f+1 replicas.",
    breaks: "linearizable",
    exposedBy: "f+1 replicas that are behind alike, or one and a liar",
    source: "OSDI '99 §5.1.3: the client waits for 2f+1",
    patches: [
      ...unorderedReads("weakQuorumOf(session.options.n)"),
      {
        file: FILES.session,
        find: `    { kind: "send", to: [first], request },\n`,
        replace: `    { kind: "send", to: operation[0] === 5 ? session.replicas : [first], request },\n`,
      },
    ],
  },
  {
    id: "client-takes-f",
    wrong: "The client believes f replicas.",
    breaks: "linearizable",
    exposedBy: "a liar that answers",
    real: { suite: "liar", options: ["--nemesis", "liar:wrong-reply"] },
    patches: [
      {
        file: FILES.session,
        find: "if (same.length < weakQuorumOf(session.options.n)) return [];",
        replace: "if (same.length < weakQuorumOf(session.options.n) - 1) return [];",
      },
    ],
  },
  {
    id: "client-takes-one-twice",
    wrong: "The client counts replies, not replicas.",
    breaks: "linearizable",
    exposedBy: "a liar that answers twice",
    real: { suite: "liar", options: ["--nemesis", "liar:wrong-reply"] },
    patches: [
      {
        file: FILES.session,
        find: "  outstanding.replies.set(reply.replica, reply);\n",
        replace: "  outstanding.replies.set(outstanding.replies.size, reply);\n",
      },
    ],
  },
  {
    id: "reply-in-any-name",
    wrong: "The client takes the replica's number from the reply, not from who sent it.",
    breaks: "linearizable",
    exposedBy: "a liar that answers in others' names",
    real: { suite: "liar", options: ["--nemesis", "liar:wrong-reply"] },
    patches: [
      {
        file: FILES.session,
        find: `  if (from !== reply.replica) return [{ kind: "ignored", reason: "not-the-sender" }];\n`,
        replace: `  if (from >= session.options.n) return [{ kind: "ignored", reason: "not-the-sender" }];\n`,
      },
    ],
  },
  {
    id: "result-not-compared",
    wrong: "The client compares where the replies say it executed, and not what they say came out.",
    breaks: "linearizable",
    exposedBy: "a liar that answers with another result",
    real: { suite: "liar", options: ["--nemesis", "liar:wrong-reply"] },
    patches: [
      {
        file: FILES.session,
        find: "  return one.seq === other.seq && Buffer.compare(one.result, other.result) === 0;\n",
        replace: "  return one.seq === other.seq;\n",
      },
    ],
  },
  {
    id: "reply-seq-not-compared",
    wrong: "The client takes the seq of an answer from any one of its replies.",
    breaks: "seq-order",
    exposedBy: "a liar that answers with another seq",
    real: { suite: "liar", options: ["--nemesis", "liar:wrong-reply"] },
    patches: [
      {
        file: FILES.session,
        find: "  return one.seq === other.seq && Buffer.compare(one.result, other.result) === 0;\n",
        replace: "  return Buffer.compare(one.result, other.result) === 0;\n",
      },
    ],
  },
  {
    id: "reply-timestamp-ignored",
    wrong: "The client takes replies to its earlier requests for replies to this one.",
    breaks: "linearizable",
    exposedBy: "late or duplicated replies",
    patches: [
      {
        file: FILES.session,
        find: "    reply.client !== session.options.client ||\n    reply.timestamp !== outstanding.request.timestamp\n",
        replace:
          "    reply.client !== session.options.client ||\n    reply.timestamp > outstanding.request.timestamp\n",
      },
    ],
  },
  {
    id: "timestamp-reused",
    wrong: "After a restart a client's timestamps begin anew.",
    breaks: "linearizable: a new request is answered with an old reply",
    exposedBy: "a client that restarts",
    patches: [
      {
        file: FILES.session,
        find: "  return { options, replicas, timestamp, outstanding: undefined };\n",
        replace:
          "  return { options, replicas, timestamp: timestamp * 0, outstanding: undefined };\n",
      },
    ],
  },
  {
    id: "no-fallback",
    wrong: "A client that hears nothing asks the same replica again.",
    breaks: "progress",
    exposedBy: "a primary that is dead or cut off",
    source: "OSDI '99 §4.1: it broadcasts the request to all replicas",
    real: { suite: "kill-primary", options: [] },
    patches: [
      {
        file: FILES.session,
        find: `    { kind: "send", to: session.replicas, request: outstanding.request },\n`,
        replace: `    { kind: "send", to: session.replicas.slice(0, 1), request: outstanding.request },\n`,
      },
    ],
  },
  {
    id: "request-not-relayed",
    wrong: "A backup keeps a client's request to itself.",
    breaks: "progress of a client that the primary does not hear",
    exposedBy: "a cut between a client and the primary",
    patches: [
      {
        file: FILES.request,
        find: "  if (replica.viewActive && !isPrimary(replica)) out.send(primary(replica), request);\n",
        replace: "  if (isPrimary(replica)) out.send(primary(replica), request);\n",
      },
      {
        file: FILES.newView,
        find: "    out.send(primary(replica), request);\n",
        replace: "    if (isPrimary(replica)) out.send(primary(replica), request);\n",
      },
    ],
  },
];

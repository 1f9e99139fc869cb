// Mistakes in batches, their digests, and how often a request executes.

import { FILES, type Mutant } from "./mutant.js";

export const BATCHES: readonly Mutant[] = [
  {
    id: "batch-not-rehashed",
    wrong: "A backup takes the digest of a pre-prepare at its word.",
    breaks: "agreement",
    exposedBy: "a primary that sends different batches under one digest",
    patches: [
      {
        file: FILES.normalCase,
        find:
          `  if (batchDigest(message.requests) !== message.digest) return ignored("digest-mismatch");\n` +
          "  if (!prePrepareHolds",
        replace: "  if (!prePrepareHolds",
      },
    ],
  },
  {
    id: "fetched-batch-not-rehashed",
    wrong: "A batch that was fetched is taken for whatever batch is missing.",
    breaks: "agreement",
    exposedBy: "a new-view whose batch is missing somewhere, and a liar that answers the fetch",
    patches: [
      {
        file: FILES.fetch,
        find: "if (slot.proposal?.digest !== digest || slot.bodies.has(digest)) continue;",
        replace:
          "if (slot.proposal === undefined || slot.bodies.has(slot.proposal.digest)) continue;",
      },
      {
        file: FILES.fetch,
        find: "  const digest = batchDigest(requests);\n",
        replace: "  batchDigest(requests);\n",
      },
      {
        file: FILES.fetch,
        find: "    if (awaited !== digest) continue;\n    wanted = true;\n    slotOf(replica, seq).bodies.set(digest, {",
        replace: "    wanted = true;\n    slotOf(replica, seq).bodies.set(awaited, {",
      },
    ],
  },
  {
    id: "batch-awaited-for-ever",
    wrong: "The primary waits for as many requests as before, however long they take.",
    breaks: "progress",
    exposedBy: "a session that asks nothing more while others wait",
    patches: [
      {
        file: FILES.normalCase,
        find: `    out.setTimer("batch", GATHER_MS);\n`,
        replace: "",
      },
    ],
  },
  {
    id: "duplicate-in-batch",
    wrong: "A request that is twice in one batch executes twice.",
    breaks: "durability (exactly once)",
    exposedBy: "a primary that repeats a request within a batch",
    patches: [
      {
        file: FILES.normalCase,
        find: `  return clients.size === requests.length ? undefined : "session-twice-in-batch";\n`,
        replace: `  return clients.size > requests.length ? "session-twice-in-batch" : undefined;\n`,
      },
      {
        file: FILES.machine,
        find: "    const executions = requests.map((request) => this.#execute(request));\n",
        replace:
          "    const before = new Map(\n" +
          "      requests.map(({ client }) => [client, this.lastReply(client)] as const),\n" +
          "    );\n" +
          "    const executions = requests.map((request) => this.#execute(request, before));\n",
      },
      {
        file: FILES.machine,
        find:
          "  #execute(request: Request): Execution {\n" +
          "    const { client, timestamp } = request;\n" +
          "    const last = this.lastReply(client);\n",
        replace:
          "  #execute(\n" +
          "    request: Request,\n" +
          "    before: ReadonlyMap<ClientId, CachedReply | undefined>,\n" +
          "  ): Execution {\n" +
          "    const { client, timestamp } = request;\n" +
          "    const last = before.get(client);\n",
      },
    ],
  },
  {
    id: "no-deduplication",
    wrong: "A request that comes again, because its replies were lost, is executed again.",
    breaks: "durability (exactly once)",
    exposedBy: "lost replies: the client retransmits",
    source: "OSDI '99 §4.1: timestamps ensure exactly-once semantics",
    real: { suite: "lossy", options: [] },
    patches: [
      {
        file: FILES.request,
        find: "if (last !== undefined && request.timestamp <= last.timestamp) {",
        replace: "if (last !== undefined && request.timestamp < last.timestamp) {",
      },
      {
        file: FILES.machine,
        find: "if (last !== undefined && timestamp <= last.timestamp) {",
        replace: "if (last !== undefined && timestamp < last.timestamp) {",
      },
    ],
  },
  {
    id: "digest-without-order",
    wrong: "The digest of a batch is that of its requests in another, sorted order.",
    breaks: "agreement: one digest, two batches",
    exposedBy: "a primary that sends one batch in different orders",
    patches: [
      {
        file: FILES.digest,
        find: "  for (const { client, timestamp, operation } of requests) {\n",
        replace:
          "  const sorted = [...requests].sort((a, b) => a.client - b.client);\n" +
          "  for (const { client, timestamp, operation } of sorted) {\n",
      },
    ],
  },
  {
    id: "digest-without-operation",
    wrong: "The digest of a batch covers who asked and when, and not what.",
    breaks: "agreement: one digest, two batches",
    exposedBy: "a client that signs two operations for one timestamp, and a lying primary",
    patches: [
      {
        file: FILES.digest,
        find: "    buffer.set(operation, at + REQUEST_HEAD_BYTES);\n",
        replace:
          "    buffer.fill(0, at + REQUEST_HEAD_BYTES, at + REQUEST_HEAD_BYTES + operation.length);\n",
      },
    ],
  },
  {
    id: "digest-ambiguous",
    wrong: "The encoding below a batch's digest leaves out the operations' lengths.",
    breaks: "agreement: one digest, two batches",
    exposedBy: "a client whose operation reads like the start of another request",
    patches: [
      {
        file: FILES.digest,
        find: "    buffer.writeUInt32BE(operation.length, at + 12);\n",
        replace: "    buffer.writeUInt32BE(0, at + 12);\n",
      },
    ],
  },
];

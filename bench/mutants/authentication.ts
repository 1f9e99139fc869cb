// Mistakes in what is signed, and in who checks it.

import { FILES, type Mutant } from "./mutant.js";

export const AUTHENTICATION: readonly Mutant[] = [
  {
    id: "signature-unchecked",
    wrong: "The signatures of votes are not verified.",
    breaks: "agreement",
    exposedBy: "certificates that a liar makes up, with votes in other names",
    patches: [
      {
        file: FILES.certificate,
        find: "  if (!replica.keyring.verify(vote.replica, bytes, vote.signature)) return false;\n",
        replace: "  if (bytes.length === 0) return false;\n",
      },
    ],
  },
  {
    id: "pre-prepare-signature-unchecked",
    wrong: "The primary's signature on a pre-prepare is not verified.",
    breaks: "agreement: anyone proposes",
    exposedBy: "a backup that proposes",
    patches: [
      {
        file: FILES.certificate,
        find: "  if (!replica.keyring.verify(principal, bytes, signature)) return false;\n",
        replace: "  if (principal === replica.id && bytes.length === 0) return false;\n",
      },
    ],
  },
  {
    id: "commit-certificate-unchecked",
    wrong: "A commit certificate is executed without a look at its commits.",
    breaks: "agreement",
    exposedBy: "a commit certificate that a liar makes up",
    patches: [
      {
        file: FILES.execution,
        find: "  if (problem !== undefined) return ignored(problem);\n",
        replace: "  if (problem === undefined) replica.patience += 0;\n",
      },
    ],
  },
  {
    id: "commit-certificate-body-unchecked",
    wrong: "The batch of a commit certificate need not have the digest that committed.",
    breaks: "agreement",
    exposedBy: "a liar that sends a true certificate with another batch",
    patches: [
      {
        file: FILES.execution,
        find: `  if (batchDigest(certificate.requests) !== certificate.digest) return ignored("digest-mismatch");\n`,
        replace: "  batchDigest(certificate.requests);\n",
      },
    ],
  },
  {
    id: "certificate-repeats",
    wrong: "A certificate may hold one replica's vote several times.",
    breaks: "agreement",
    exposedBy: "a liar that fills certificates with its own vote",
    patches: [
      {
        file: FILES.certificate,
        find: "    if (replica <= last || replica >= n) return false;\n",
        replace: "    if (replica < last || replica >= n) return false;\n",
      },
    ],
  },
  {
    id: "signature-memory-without-voter",
    wrong: "A signature that was seen valid once is taken for the vote of any replica.",
    breaks: "agreement",
    exposedBy: "certificates with one signature under several names",
    patches: [
      {
        file: FILES.certificate,
        find: "`${vote.kind}/${view}/${vote.seq}/${vote.replica}/${vote.digest}/${signature}`",
        replace: "`${vote.kind}/${view}/${vote.seq}/${vote.digest}/${signature}`",
      },
    ],
  },
  {
    id: "prepare-signs-as-commit",
    wrong: "Prepare and commit sign the same bytes, so one can be shown as the other.",
    breaks: "agreement",
    exposedBy: "a liar that makes a commit certificate of prepares",
    patches: [
      {
        file: FILES.wire,
        find: "  writer.cluster(cluster);\n  writer.u8(TAGS[message.kind]);\n  switch",
        replace:
          "  writer.cluster(cluster);\n" +
          `  writer.u8(TAGS[message.kind === "commit" ? "prepare" : message.kind]);\n  switch`,
      },
    ],
  },
  {
    id: "view-not-signed",
    wrong: "The view is no part of what a vote's signature covers.",
    breaks: "agreement",
    exposedBy: "a liar that shows old votes as votes of another view",
    patches: [
      {
        file: FILES.wire,
        find: `    case "commit":\n      writer.integer(message.view);\n      writer.integer(message.seq);\n      writer.digest(message.digest);\n      writer.u8`,
        replace: `    case "commit":\n      writer.integer(0);\n      writer.integer(message.seq);\n      writer.digest(message.digest);\n      writer.u8`,
      },
    ],
  },
  {
    id: "seq-not-signed",
    wrong: "The seq is no part of what a vote's signature covers.",
    breaks: "agreement",
    exposedBy: "a liar that shows votes as votes for another seq",
    patches: [
      {
        file: FILES.wire,
        find: `    case "commit":\n      writer.integer(message.view);\n      writer.integer(message.seq);\n      writer.digest(message.digest);\n      writer.u8`,
        replace: `    case "commit":\n      writer.integer(message.view);\n      writer.integer(0);\n      writer.digest(message.digest);\n      writer.u8`,
      },
    ],
  },
  {
    id: "content-not-signed",
    wrong: "A view-change's signature does not cover the certificates in it.",
    breaks: "agreement: prepared batches can be taken out of another's view-change",
    exposedBy: "a primary that names an altered view-change in its new-view, and serves it",
    patches: [
      {
        file: FILES.wire,
        find: `  if (message.kind === "view-change") writeViewChangeUnsigned(writer, message);\n  else write`,
        replace:
          `  if (message.kind === "view-change") {\n` +
          "    writeViewChangeUnsigned(writer, { ...message, prepared: [] });\n  } else write",
      },
    ],
  },
  {
    id: "client-signature-unchecked",
    wrong: "A request waits, and is proposed, though its client's signature does not hold.",
    breaks: "progress: backups refuse what a correct primary proposes",
    exposedBy: "a client whose MACs check at some replicas only",
    source: "Castro's thesis §3.2.2; the big MAC attack of Clement et al., NSDI '09",
    patches: [
      {
        file: FILES.request,
        find: `  if (!signatureHolds(replica, request)) return ignored("bad-signature");\n`,
        replace: `  if (request.signature.length !== 64) signatureHolds(replica, request);\n`,
      },
    ],
  },
  {
    id: "request-unauthenticated",
    wrong: "A backup votes for requests that no client signed.",
    breaks: "only what a client asked for executes",
    exposedBy: "a primary that makes requests up",
    patches: [
      {
        file: FILES.normalCase,
        find: `    if (!authenticated(replica, request)) return ignored("unauthenticated-request");\n`,
        replace: "    authenticated(replica, request);\n",
      },
    ],
  },
  {
    id: "session-of-anyone",
    wrong: "A client may ask in another client's name: the sender is not compared.",
    breaks: "only what a client asked for executes",
    exposedBy: "a lying client",
    patches: [
      {
        file: FILES.request,
        find: `  if (direct && from !== principal) return ignored("session-of-another-client");\n`,
        replace: "",
      },
      {
        file: FILES.request,
        find:
          "function signatureHolds(replica: Replica, request: Request): boolean {\n" +
          "  const bytes = requestBytes(replica.config.cluster, request);\n",
        replace:
          "function signatureHolds(replica: Replica, request: Request): boolean {\n" +
          "  const bytes = requestBytes(replica.config.cluster, request);\n" +
          "  if (bytes.length > 0) return true;\n",
      },
      {
        file: FILES.request,
        find: "  return replica.keyring.verify(principal, bytes, request.signature);\n",
        replace: "  return bytes.length > 0;\n",
      },
    ],
  },
];

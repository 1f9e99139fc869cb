// Random messages and log records for property tests (fast-check): every kind, every field.

import fc from "fast-check";
import type { LogRecord } from "../log.js";
import type {
  Checkpoint,
  Commit,
  Message,
  Prepare,
  PreparedCertificate,
  Request,
} from "../messages.js";

const u53 = fc.maxSafeNat();
const replica = fc.integer({ min: 0, max: 255 });
const client = fc.integer({ min: 256 * 65536, max: 0xffff_ffff });
const bytes = (lengthMax: number) => fc.uint8Array({ maxLength: lengthMax });
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const digest = exactly(32).map((raw) => Buffer.from(raw).toString("hex"));
const signature = exactly(64);
const what = fc.constantFrom("batch" as const, "view-change" as const, "state" as const);
const vote = fc.record({ replica, signature });
const votes = fc.array(vote, { maxLength: 5 });

const request: fc.Arbitrary<Request> = fc.record({
  kind: fc.constant("request" as const),
  client,
  timestamp: u53,
  operation: bytes(40),
  authenticator: fc.integer({ min: 0, max: 7 }).chain((macs) => exactly(16 * macs)),
  signature,
});
const requests = fc.array(request, { maxLength: 4 });
const slot = fc.record({ view: u53, seq: u53, digest });

const proof: fc.Arbitrary<Checkpoint[]> = fc
  .tuple(fc.record({ seq: u53, digest }), votes)
  .map(([about, list]) => list.map((one) => ({ kind: "checkpoint" as const, ...about, ...one })));

const certificate: fc.Arbitrary<PreparedCertificate> = fc
  .tuple(slot, signature, votes)
  .map(([about, prePrepareSignature, list]) => ({
    ...about,
    prePrepareSignature,
    prepares: list.map((one): Prepare => ({ kind: "prepare", ...about, ...one })),
  }));

const commitCertificate = fc.tuple(slot, requests, votes).map(([about, batch, list]) => ({
  kind: "commit-certificate" as const,
  ...about,
  requests: batch,
  commits: list.map((one): Commit => ({ kind: "commit", ...about, ...one })),
}));

const prePrepare = fc.record({
  kind: fc.constant("pre-prepare" as const),
  view: u53,
  seq: u53,
  digest,
  signature,
  requests,
});

const checkpoint = fc.record({
  kind: fc.constant("checkpoint" as const),
  seq: u53,
  digest,
  replica,
  signature,
});

const viewChange = fc.record({
  kind: fc.constant("view-change" as const),
  view: u53,
  replica,
  stableSeq: u53,
  stableProof: proof,
  prepared: fc.array(certificate, { maxLength: 3 }),
  signature,
});

const newView = fc.record({
  kind: fc.constant("new-view" as const),
  view: u53,
  replica,
  viewChanges: fc.array(fc.record({ replica, digest }), { maxLength: 4 }),
  prePrepares: fc.array(fc.record({ seq: u53, digest, signature }), { maxLength: 4 }),
  signature,
});

const voteMessage = (kind: "prepare" | "commit") =>
  fc.record({ kind: fc.constant(kind), view: u53, seq: u53, digest, replica, signature });

/** Any message that has an encoding. */
export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  request,
  fc.record({
    kind: fc.constant("reply" as const),
    view: u53,
    client: fc.integer({ min: 256 * 65536, max: 0xffff_ffff }),
    timestamp: u53,
    replica,
    seq: u53,
    result: bytes(40),
  }),
  prePrepare,
  voteMessage("prepare"),
  voteMessage("commit"),
  checkpoint,
  viewChange,
  newView,
  fc.record({
    kind: fc.constant("status" as const),
    replica,
    view: u53,
    viewActive: fc.boolean(),
    stableSeq: u53,
    executedSeq: u53,
    slots: bytes(20),
    viewChangesHeld: bytes(4),
  }),
  fc.record({
    kind: fc.constant("fetch" as const),
    replica,
    what,
    digests: fc.array(digest, { maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant("data" as const), replica, what, bytes: bytes(60) }),
  fc.record({ kind: fc.constant("checkpoint-proof" as const), replica, checkpoints: proof }),
  commitCertificate,
);

/** Any log record that has an encoding. */
export const anyRecord: fc.Arbitrary<LogRecord> = fc.oneof(
  fc.record({ kind: fc.constant("view" as const), view: u53, active: fc.boolean() }),
  fc.record({ kind: fc.constant("pre-prepare" as const), message: prePrepare }),
  fc.record({ kind: fc.constant("prepared" as const), certificate }),
  fc.record({ kind: fc.constant("checkpoint" as const), message: checkpoint }),
  fc.record({ kind: fc.constant("stable" as const), proof }),
  fc.record({ kind: fc.constant("view-change" as const), message: viewChange }),
  fc.record({
    kind: fc.constant("new-view" as const),
    message: newView,
    viewChanges: fc.array(viewChange, { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant("committed" as const), certificate: commitCertificate }),
  fc.record({ kind: fc.constant("rejoin" as const), seq: u53 }),
);

// A replica of the skeleton: the normal case of PBFT and nothing else (skeleton.ts says what is absent).
// Run by skeleton.ts: replica-main.js seed database keys self accounts port…, where keys are our secret one
// and everybody's public ones with commas between, or nothing; says "ready" to its parent, and ends when its
// parent does.
// Source: OSDI '99 §4.2; batches: Castro's thesis §5.1.4

import { createBank } from "./bank.js";
import { openChannel } from "./channel.js";
import { createSignatures } from "./signatures.js";
import {
  batchDigest,
  batchOf,
  CLIENT,
  COMMIT,
  decodeRequest,
  digestOf,
  encodePrePrepare,
  encodeReply,
  encodeVote,
  F,
  messagesIn,
  PRE_PREPARE,
  PREPARE,
  PRIMARY,
  REPLICAS,
  REQUEST,
  type Reply,
  seqOf,
} from "./wire.js";

/** Those who voted, by the digest that they voted for: votes may come before the pre-prepare. */
type Votes = Map<string, Set<number>>;
type Slot = {
  batch: Buffer | undefined;
  digest: string;
  prepares: Votes;
  commits: Votes;
  commitSent: boolean;
};

const [self = 0, accounts = 0, ...ports] = process.argv.slice(5).map(Number);
const [seed = "", path = "", keys = ""] = process.argv.slice(2);
const { sign, holds } = createSignatures(keys);

const others = Array.from({ length: REPLICAS }, (_, id) => id).filter((id) => id !== self);
const bank = createBank(path, accounts);
const slots = new Map<number, Slot>();
/** The newest reply of each session. */
const replies = new Map<number, Reply>();
/** At the primary: the newest timestamp of each session that was taken up. */
const taken = new Map<number, number>();
let waiting: Buffer[] = [];
let proposedSeq = 0;
let executedSeq = 0;

function onMessage(from: number, message: Buffer): void {
  if (message[0] === REQUEST) {
    if (from === CLIENT) onRequest(message);
    return;
  }
  if (from === CLIENT || seqOf(message) <= executedSeq) return;
  const slot = slotOf(seqOf(message));
  // What is not needed any more is not verified.
  if (message[0] === PREPARE && slot.commitSent) return;
  if (!holds(from, message)) return;
  if (message[0] === PRE_PREPARE && from === PRIMARY) onPrePrepare(slot, message);
  if (message[0] === PREPARE && from !== PRIMARY) addVote(slot.prepares, from, digestOf(message));
  if (message[0] === COMMIT) addVote(slot.commits, from, digestOf(message));
  advance(slot, seqOf(message));
}

/** A request that was executed is asked again when replies were lost: each replica repeats its own. */
function onRequest(message: Buffer): void {
  const { session, timestamp } = decodeRequest(message);
  const reply = replies.get(session);
  if (reply?.timestamp === timestamp) channel.post(CLIENT, encodeReply(reply));
  if (self !== PRIMARY || timestamp <= (taken.get(session) ?? 0)) return;
  taken.set(session, timestamp);
  waiting.push(message);
}

function onPrePrepare(slot: Slot, message: Buffer): void {
  const batch = batchOf(message);
  const digest = digestOf(message);
  if (slot.batch !== undefined || batchDigest(batch) !== digest) return;
  slot.batch = batch;
  slot.digest = digest;
  addVote(slot.prepares, self, digest);
  broadcast(encodeVote(PREPARE, seqOf(message), digest, sign));
}

/** One batch is outstanding; what waits meanwhile is the next. */
function propose(): void {
  if (waiting.length === 0 || proposedSeq > executedSeq) return;
  proposedSeq += 1;
  const slot = slotOf(proposedSeq);
  slot.batch = Buffer.concat(waiting);
  slot.digest = batchDigest(slot.batch);
  waiting = [];
  broadcast(encodePrePrepare(proposedSeq, slot.digest, slot.batch, sign));
}

function advance(slot: Slot, seq: number): void {
  if (slot.batch === undefined || slot.commitSent) return;
  if (countOf(slot.prepares, slot.digest) < 2 * F) return;
  slot.commitSent = true;
  addVote(slot.commits, self, slot.digest);
  broadcast(encodeVote(COMMIT, seq, slot.digest, sign));
}

/** Batches that are committed, in order: durable before the replies leave at the turn's end. */
function execute(): void {
  for (;;) {
    const seq = executedSeq + 1;
    const slot = slots.get(seq);
    if (slot?.batch === undefined || !slot.commitSent) return;
    if (countOf(slot.commits, slot.digest) < 2 * F + 1) return;
    const requests = [...messagesIn(slot.batch)].map(decodeRequest);
    const applied = bank.apply(seq, requests);
    for (const [index, { session, timestamp }] of requests.entries()) {
      const reply = { session, timestamp, seq, applied: applied[index] === true };
      replies.set(session, reply);
      channel.post(CLIENT, encodeReply(reply));
    }
    slots.delete(seq);
    executedSeq = seq;
  }
}

function slotOf(seq: number): Slot {
  const known = slots.get(seq);
  if (known !== undefined) return known;
  const slot: Slot = {
    batch: undefined,
    digest: "",
    prepares: new Map(),
    commits: new Map(),
    commitSent: false,
  };
  slots.set(seq, slot);
  return slot;
}

function addVote(votes: Votes, replica: number, digest: string): void {
  const voters = votes.get(digest);
  if (voters === undefined) votes.set(digest, new Set([replica]));
  else voters.add(replica);
}

function countOf(votes: Votes, digest: string): number {
  return votes.get(digest)?.size ?? 0;
}

function broadcast(message: Buffer): void {
  for (const id of others) channel.post(id, message);
}

function onTurn(): void {
  execute();
  if (self === PRIMARY) propose();
}

const channel = await openChannel({ self, ports, seed, onMessage, onTurn });
process.on("disconnect", () => process.exit());
process.send?.("ready");

// Votes and certificates that lie, and floods of them.

import type {
  Commit,
  CommitCertificate,
  Message,
  Prepare,
  Status,
} from "../../node/core/messages.js";
import { quorumOf } from "../../node/core/quorum.js";
import { type Forge, remembered, type Said } from "./forge.js";

const OTHER_DIGEST = "ee".repeat(32);
/** A flood reaches this far ahead, in checkpoints. */
const FLOOD_CHECKPOINTS = 100_000;

/** The vote and others, or only the others. */
export function otherVotes(forge: Forge, message: Prepare | Commit): Said {
  const { signed, random } = forge;
  const other = signed({ ...message, digest: OTHER_DIGEST });
  if (random.chance(0.5)) return [other];
  const ahead = message.seq + 1 + random.int(4);
  return [
    message,
    other,
    signed({ ...message, seq: ahead, digest: OTHER_DIGEST }),
    signed({ ...message, view: message.view + 1 }),
  ];
}

/** The same vote in the name of everybody else; nobody else's signature is at hand. */
export function votesOfOthers(forge: Forge, message: Message): Said | undefined {
  const { n, id, signed } = forge;
  if (message.kind !== "prepare" && message.kind !== "commit" && message.kind !== "checkpoint") {
    return undefined;
  }
  const others = Array.from({ length: n }, (_, replica) => replica).filter((one) => one !== id);
  return [message, ...others.map((replica) => signed({ ...message, replica }))];
}

/** Says that the null request, or some other batch, committed at the next seqs. */
export function forgedCertificate(forge: Forge, status: Status): Said {
  const { n, id, random, signed, batchDigest } = forge;
  const { view, executedSeq } = status;
  const seq = executedSeq + 1 + random.int(2);
  const digest = batchDigest([]);
  const about = { kind: "commit" as const, view, seq, digest };
  const voters = Array.from({ length: quorumOf(n) }, (_, replica) => replica);
  const certificate = { ...about, kind: "commit-certificate" as const, requests: [] };
  const own = signed({ ...about, replica: id });
  const known = remembered(forge, "commit-certificate");
  switch (random.int(known === undefined ? 3 : 5)) {
    case 0: // Its own signature under every name.
      return [
        status,
        { ...certificate, commits: voters.map((replica) => signed({ ...about, replica })) },
      ];
    case 1: // Its own vote, again and again.
      return [status, { ...certificate, commits: voters.map(() => own) }];
    case 2: // One true vote, copied under every name.
      return [status, { ...certificate, commits: voters.map((replica) => ({ ...own, replica })) }];
    case 3:
      return [status, { ...(known ?? { ...certificate, commits: [] }), requests: [] }];
    default:
      return known === undefined ? [status] : [status, relabelled(known, seq)];
  }
}

/** A true certificate for one who lacks it, with another batch than the one that committed. */
export function otherBody({ random }: Forge, message: CommitCertificate): Said | undefined {
  const { requests } = message;
  const [first] = requests;
  if (first === undefined) return undefined;
  const other = random.pick([[], [...requests, first], requests.slice(1)]);
  return [{ ...message, requests: other }];
}

function relabelled(known: CommitCertificate, seq: number): CommitCertificate {
  return { ...known, seq, commits: known.commits.map((commit) => ({ ...commit, seq })) };
}

/** A made-up message whose first fragment the liar never sends; see Liar.spoil. */
export const NEVER_WHOLE_BYTES = 24_000;

/**
 * Checkpoints and votes for seqs that nobody has reached, a status that claims them, and most of a
 * message that never ends.
 */
export function flood(forge: Forge, status: Status): Said {
  const { id, random, signed, checkpointInterval } = forge;
  const checkpoints = Array.from({ length: 4 }, () => {
    const seq = checkpointInterval * (1 + random.int(FLOOD_CHECKPOINTS));
    return signed({ kind: "checkpoint" as const, seq, digest: OTHER_DIGEST, replica: id });
  });
  const votes = Array.from({ length: 4 }, () => {
    const seq = status.executedSeq + 1 + random.int(1_000);
    const about = { view: status.view, seq, digest: OTHER_DIGEST, replica: id };
    return signed({ kind: "commit" as const, ...about });
  });
  const claim = {
    ...status,
    executedSeq: status.executedSeq + random.int(50),
    slots: new Uint8Array(),
  };
  const neverWhole = new Uint8Array(NEVER_WHOLE_BYTES);
  new DataView(neverWhole.buffer).setUint32(0, random.int(2 ** 32)); // Each is another message.
  return [claim, ...checkpoints, ...votes, neverWhole];
}
